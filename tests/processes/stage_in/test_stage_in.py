"""Data pools come into a pod whole, or the program is not started."""

import os
import signal
import stat
import time
from pathlib import Path

import pytest

from serviceexecution.gateway.collect.pools import content, routes
from tests.processes.collector.live import eventually, finish

ODD = {
    "ü é.csv": b"1",
    'a"b\\c': b"2",
    "a#b?c&d=e+f": b"3",
    "日本": b"4",
    "%20": b"5",
    ".hidden": b"6",
    "n" * 255: b"7",
}


def facts(log):
    return [line for line in log if line["event"] == "staging data pool"]


def test_every_file_comes_with_its_exact_bytes(pool):
    files = {"empty": b"", "large.bin": os.urandom(20_000_000), "zero": b"", **ODD}
    pool.fill(files)
    code, log = pool.run()
    assert code == 0, log
    assert pool.staged() == files
    assert facts(log)[-1]["files"] == len(files)
    assert facts(log)[-1]["bytes"] == facts(log)[-1]["ofBytes"] == sum(map(len, files.values()))


def test_files_may_only_be_read(pool):
    pool.fill({"a": b"1"})
    assert pool.run()[0] == 0
    assert stat.S_IMODE((pool.folder / "a").stat().st_mode) == 0o444


def test_an_empty_pool_is_an_empty_folder(pool):
    pool.fill({})
    assert pool.run()[0] == 0
    assert pool.staged() == {}


def test_ten_thousand_small_files_come_in_few_requests(pool):
    files = {f"{number:05d}.txt": b"%d" % (number % 100) for number in range(10_000)}
    pool.fill(files)
    before = time.monotonic()
    code, log = pool.run()
    assert code == 0, log
    assert len(pool.staged()) == 10_000
    assert pool.staged() == files
    assert time.monotonic() - before < 60


def test_thousands_of_empty_files_come_at_once(pool):
    files = {f"{number:04d}": b"" for number in range(4000)}
    pool.fill(files)
    code, log = pool.run()
    assert code == 0, log
    assert pool.staged() == files


def test_a_state_of_the_pool_that_comes_later_does_not_show(pool):
    pool.fill({"a": b"old", "b": b"kept"})
    recorded = pool.recorded
    pool.fill({"a": b"new", "c": b"more"})
    pool.record(recorded)
    assert pool.run()[0] == 0
    assert pool.staged() == {"a": b"old", "b": b"kept"}


def test_answers_that_end_early_go_on_where_they_were(pool, monkeypatch):
    monkeypatch.setattr(routes, "MAX_ANSWER_BYTES", 300_000)
    files = {"large": os.urandom(3_000_000), **{f"s{number}": os.urandom(1000) for number in range(400)}}
    pool.fill(files)
    assert pool.run()[0] == 0
    assert pool.staged() == files


def test_cut_connections_go_on_where_they_were(pool, monkeypatch):
    cut: list[int] = []
    whole = content.PoolContent._stream

    async def stream(self, *arguments):
        sent = 0
        async for chunk in whole(self, *arguments):
            yield chunk
            sent += len(chunk)
            if sent > 500_000 and len(cut) < 5:
                cut.append(sent)
                raise ConnectionError("cut")

    monkeypatch.setattr(content.PoolContent, "_stream", stream)
    files = {"large": os.urandom(5_000_000), "other": os.urandom(2_000_000)}
    pool.fill(files)
    code, log = pool.run()
    assert code == 0, log
    assert len(cut) == 5
    assert pool.staged() == files


def test_a_killed_program_goes_on_with_what_is_whole(pool, monkeypatch):
    files = {f"{number}": os.urandom(9_000_000) for number in range(6)}
    pool.fill(files)
    whole, served = content.PoolContent._stream, []

    async def stream(self, reference, first, *rest):
        served.append(first[0].file.name)
        async for chunk in whole(self, reference, first, *rest):
            yield chunk

    monkeypatch.setattr(content.PoolContent, "_stream", stream)
    process = pool.start()
    eventually(lambda: pool.folder.is_dir() and not files.keys().isdisjoint(os.listdir(pool.folder)))  # noqa: PTH208
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    there = {one.name: one.stat().st_ino for one in pool.folder.iterdir() if one.name in files}
    served.clear()
    assert pool.run()[0] == 0
    assert pool.staged() == files
    assert not there.keys() & set(served), "what was whole is not fetched again"
    assert all((pool.folder / name).stat().st_ino == inode for name, inode in there.items())


def test_a_killed_child_is_started_again_by_its_supervisor(pool):
    files = {f"{number}": os.urandom(9_000_000) for number in range(6)}
    pool.fill(files)
    process = pool.start()
    eventually(pool.folder.is_dir)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    os.kill(int(children.split()[0]), signal.SIGKILL)
    code, log = finish(process)
    assert code == 0, log
    assert pool.staged() == files


def test_a_pod_that_is_told_to_end_does_not_wait(pool, monkeypatch):
    pool.fill({"large": os.urandom(30_000_000)})
    pool.environment["SX_GATEWAY_URL"] = "http://127.0.0.1:9"  # Nobody answers there
    process = pool.start()
    line = process.stderr.readline()
    assert b"asked again" in line
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 143


@pytest.mark.parametrize("size", [10, 2_000_000])
def test_a_damaged_file_is_named_and_nothing_starts(pool, size):
    pool.fill({"good": b"1", "bad.csv": b"x" * size})
    for blob in pool.blobs():
        if blob.stat().st_size == size:
            blob.write_bytes(b"y" * size)
    code, _ = pool.run()
    assert code == 4
    said = pool.message.read_text()
    assert 'The data pool "numbers"' in said
    assert '"bad.csv" is damaged' in said
    assert "bad.csv" not in pool.staged()


@pytest.mark.parametrize("number", [0, 7])
def test_a_lost_file_is_named(pool, number):
    pool.fill({f"{one}.csv": b"%d" % one * (one + 1) for one in range(10)})
    blob = next(one for one in pool.blobs() if one.stat().st_size == number + 1)
    blob.unlink()
    code, _ = pool.run()
    assert code == 4
    assert f'content of its file "{number}.csv" is lost' in pool.message.read_text()


def test_a_lost_index_is_said(pool):
    pool.fill({"a": b"1"}, index="0" * 64)
    code, _ = pool.run()
    assert code == 4
    assert "list of its files is missing or damaged" in pool.message.read_text()


def test_a_pool_that_the_execution_has_not_recorded_is_refused(pool):
    pool.fill({"a": b"1"}, property="other")
    code, _ = pool.run()
    assert code == 4
    assert "has recorded no data pool" in pool.message.read_text()


def test_a_full_disk_is_said(pool):
    pool.fill({"large": os.urandom(3_000_000)})
    code, _ = pool.run("prlimit", "--fsize=1000000")
    assert code == 5
    assert 'no room for the data pool "numbers"' in pool.message.read_text()
