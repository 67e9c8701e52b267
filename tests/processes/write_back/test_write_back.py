"""What a program changes in a data pool becomes its next state, whole, or is said not to."""

import os
import signal
import stat

import pytest

from serviceexecution.gateway.collect.pools.receiving import PoolReceiver
from serviceexecution.gateway.collect.pools.settling import PoolSettling
from serviceexecution.gateway.data_pools.heads import PoolHeads
from serviceexecution.kube.kinds import DATA_POOLS, PODS
from serviceexecution.store.output_commits import OutputCommits
from tests.processes.collector.live import eventually, finish
from tests.unit.gateway.collect.collector_cluster import REF

FILES = {"a.csv": b"one", "b.csv": b"two", "c.csv": b"three"}


def test_new_changed_and_deleted_files_become_the_next_state(pool, monkeypatch):
    sent = []
    receive = PoolReceiver.receive

    async def received(self, identity, used, name, *rest):
        sent.append(name)
        return await receive(self, identity, used, name, *rest)

    monkeypatch.setattr(PoolReceiver, "receive", received)
    pool.begin(FILES)
    before = pool.head()
    (pool.folder / "a.csv").write_bytes(b"ONE")
    (pool.folder / "b.csv").unlink()
    (pool.folder / "ü é#?.csv").write_bytes(b"")
    pool.end()
    said = pool.collect()
    assert (said.property, said.reason) == ("numbers", "Written")
    assert said.index == pool.head() != before
    assert pool.kept(pool.head()) == {"a.csv": b"ONE", "c.csv": b"three", "ü é#?.csv": b""}
    assert pool.kept(before) == FILES
    assert sorted(sent) == ["a.csv", "ü é#?.csv"], "only what has changed is sent"
    assert pool.brought() == pool.only_written()


def test_a_pool_in_which_nothing_changes_costs_nothing(pool):
    pool.begin(FILES)
    before = pool.head()
    blobs = pool.blobs()
    os.utime(pool.folder / "a.csv")
    (pool.folder / "b.csv").write_bytes(b"two")
    pool.end()
    assert pool.collect() is None
    assert (pool.head(), pool.blobs(), pool.brought()) == (before, blobs, [])


def test_the_first_files_of_an_empty_pool_are_kept(pool):
    pool.begin({})
    (pool.folder / "new").write_bytes(b"1")
    pool.end()
    assert pool.collect().reason == "Written"
    assert pool.kept(pool.head()) == {"new": b"1"}


def test_files_that_may_be_changed_have_the_mode_for_it(pool):
    pool.begin(FILES)
    assert {stat.S_IMODE(one.stat().st_mode) for one in pool.folder.iterdir()} == {0o666}


def test_files_that_change_places_with_their_times_are_seen(pool):
    pool.begin({"a": b"1", "b": b"2"})
    (pool.folder / "a").rename(pool.folder / "x")
    (pool.folder / "b").rename(pool.folder / "a")
    (pool.folder / "x").rename(pool.folder / "b")
    pool.end()
    assert pool.collect().reason == "Written"
    assert pool.kept(pool.head()) == {"a": b"2", "b": b"1"}


def test_a_program_that_fails_changes_nothing(pool):
    pool.begin(FILES)
    before = pool.head()
    (pool.folder / "a.csv").write_bytes(b"ONE")
    pool.end(3)
    assert pool.collect() is None
    assert (pool.head(), pool.brought()) == (before, [])


@pytest.mark.parametrize("when", ["before", "settled"])
def test_changes_of_a_program_whose_pod_is_gone_are_said_not_to_be_kept(pool, monkeypatch, when):
    """The controller may know of its success: it must not end as one."""
    settle = PoolSettling.settle

    async def settled(self, *arguments):
        pool.gateway.kubernetes.remove(PODS, REF.namespace, "pod-1")
        self.ends._ended.drop("uid-pod-1")
        return await settle(self, *arguments)

    pool.begin(FILES)
    before = pool.head()
    (pool.folder / "a.csv").write_bytes(b"ONE")
    if when == "settled":
        pool.end()
        monkeypatch.setattr(PoolSettling, "settle", settled)
        said = pool.collect()
    else:
        # As it stands where the pod was taken for another one, or given up by the control plane
        pool.gateway.kubernetes.change(PODS, REF.namespace, "pod-1", {"status": {"phase": "Failed"}})
        said = pool.collect()
    assert said.reason == "NotKept"
    assert "How the program ended is not known" in said.message
    assert pool.head() == before


@pytest.mark.parametrize(
    ("reason", "said"), [("Cancelled", None), ("Preempted", None), ("Timeout", "Stopped")]
)
def test_a_run_that_is_stopped_changes_nothing(pool, reason, said):
    pool.begin(FILES)
    before = pool.head()
    (pool.folder / "a.csv").write_bytes(b"ONE")
    pool.end()
    pool.stop(reason)
    found = pool.collect()
    assert (None if found is None else found.reason) == said
    assert pool.head() == before


def test_a_conflict_with_another_writer_keeps_both_states(pool):
    pool.begin(FILES)
    (pool.folder / "a.csv").write_bytes(b"ours")
    other = pool.written_by_other({"a.csv": b"theirs"})
    pool.end()
    said = pool.collect()
    assert said.reason == "Conflict"
    assert pool.head() == other
    assert pool.kept(other)["a.csv"] == b"theirs"
    assert pool.kept(said.index) == {**FILES, "a.csv": b"ours"}


def test_what_can_be_in_no_pool_is_named_and_nothing_is_changed(pool):
    pool.begin(FILES)
    before = pool.head()
    (pool.folder / "a.csv").write_bytes(b"ONE")
    (pool.folder / "sub").mkdir()
    (pool.folder / "link").symlink_to("a.csv")
    pool.end()
    said = pool.collect()
    assert said.reason == "NotKept"
    assert "'sub' is a folder, and data pools have none" in said.message
    assert "'link' is no regular file" in said.message
    assert pool.head() == before


@pytest.mark.parametrize(
    ("limit", "most", "reason"),
    [
        ("file_bytes", 10, "DataPoolFileTooLarge"),
        ("pool_bytes", 12, "DataPoolTooLarge"),
        ("pool_files", 3, "TooManyFiles"),
        ("namespace_bytes", 12, "DataPoolsTooLarge"),
    ],
)
def test_limits_are_said_and_nothing_is_changed(pool, monkeypatch, limit, most, reason):
    check = PoolHeads.__init__

    def limited(self, client, store, directory, limits):
        object.__setattr__(limits, limit, most)
        check(self, client, store, directory, limits)

    monkeypatch.setattr(PoolHeads, "__init__", limited)
    pool.gateway.restart_app()
    pool.begin(FILES)
    before = pool.head()
    (pool.folder / "d.csv").write_bytes(b"4" * 11)
    pool.end()
    said = pool.collect()
    assert said.reason == reason
    assert said.message
    assert pool.head() == before


def test_a_pool_that_is_not_opened_for_writing_is_not_changed(pool):
    pool.begin(FILES, writable=None)
    before = pool.head()
    (pool.folder / "a.csv").write_bytes(b"ONE")
    pool.end()
    assert pool.collect() is None
    assert (pool.head(), pool.brought()) == (before, [])


def test_a_pool_that_is_gone_is_said(pool):
    pool.begin(FILES)
    (pool.folder / "a.csv").write_bytes(b"ONE")
    pool.gateway.kubernetes.remove(DATA_POOLS, REF.namespace, "numbers")
    pool.end()
    assert pool.collect().reason == "DataPoolNotFound"


def test_a_collector_that_is_killed_in_the_middle_is_repeated_whole(pool, monkeypatch):
    pool.begin(FILES)
    before = pool.head()
    for number in range(8):
        (pool.folder / f"new-{number}").write_bytes(os.urandom(800_000))
    pool.end()
    process = pool.pod.start()
    eventually(lambda: len(pool.brought()) >= 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert pool.head() == before
    assert pool.collect().reason == "Written"
    assert len(pool.kept(pool.head())) == 11
    assert pool.brought() == pool.only_written()


@pytest.mark.parametrize("moved", [False, True])
def test_a_gateway_that_goes_down_in_the_middle_is_asked_again(pool, monkeypatch, moved):
    """Right before the head is moved, and between that and the commit record, with others who write on top of it."""
    failed: list[str] = []
    settle, seal = PoolSettling.settle, OutputCommits.seal

    async def settled(self, *arguments):
        if not failed:
            failed.append("settle")
            raise ConnectionError("down")
        return await settle(self, *arguments)

    async def sealed(self, *arguments):
        if not failed:
            failed.append("seal")
            raise ConnectionError("down")
        return await seal(self, *arguments)

    if moved:
        monkeypatch.setattr(OutputCommits, "seal", sealed)
    else:
        monkeypatch.setattr(PoolSettling, "settle", settled)
    pool.begin(FILES)
    (pool.folder / "a.csv").write_bytes(b"ONE")
    pool.end()
    process = pool.pod.start()
    eventually(lambda: failed)
    if moved:
        pool.written_by_other({"later": b"1"})
    pool.gateway.restart_app()
    code, log = finish(process)
    assert code == 0, log
    assert pool.said().reason == "Written"
    kept = pool.kept(pool.head())
    assert kept["a.csv"] == b"ONE"
    assert ("later" in kept) == moved


def test_thousands_of_deleted_files_are_one_state(pool):
    pool.begin({f"{number:04d}": b"1" for number in range(800)})
    for number in range(800):
        (pool.folder / f"{number:04d}").unlink()
    (pool.folder / "all").write_bytes(b"1")
    pool.end()
    assert pool.collect().reason == "Written"
    assert pool.kept(pool.head()) == {"all": b"1"}


@pytest.mark.parametrize("committed", [True, False])
def test_another_attempt_replaces_the_state_of_the_one_before(pool, monkeypatch, committed):
    """Its output is kept, or its gateway went down between the move and the commit record, and its node with it."""
    pool.begin(FILES)
    (pool.folder / "a.csv").write_bytes(b"first")
    pool.end()
    if committed:
        assert pool.collect().reason == "Written"
    else:
        _killed_before_the_record(pool, monkeypatch)
    first = pool.head()
    assert pool.kept(first)["a.csv"] == b"first"
    pool.attempt(2)
    (pool.folder / "a.csv").write_bytes(b"second")
    said = pool.collect()
    assert (said.reason, said.index) == ("Written", pool.head())
    assert pool.kept(pool.head()) == {**FILES, "a.csv": b"second"}
    assert pool.kept(first)["a.csv"] == b"first"


def test_what_another_writer_put_on_top_of_an_earlier_attempt_stays(pool):
    pool.begin(FILES)
    (pool.folder / "a.csv").write_bytes(b"first")
    pool.end()
    pool.collect()
    other = pool.written_by_other({"later": b"1"})
    pool.attempt(2)
    (pool.folder / "a.csv").write_bytes(b"second")
    assert (pool.collect().reason, pool.head()) == ("Conflict", other)


def _killed_before_the_record(pool, monkeypatch):
    down = []

    async def sealed(*_):
        down.append(1)
        raise ConnectionError("down")

    with monkeypatch.context() as patched:
        patched.setattr(OutputCommits, "seal", sealed)
        process = pool.pod.start()
        eventually(lambda: down)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
