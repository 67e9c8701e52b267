"""Certificates, proxies, the cache volume, the commands that run."""

import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.pod import cache_volume
from serviceexecution.builder.pod.cache_volume import CacheVolume
from serviceexecution.builder.pod.certificates import combined_certificates
from serviceexecution.builder.pod.commands import Commands, silent
from serviceexecution.builder.pod.paths import Paths
from serviceexecution.builder.pod.proxies import other_variables, proxy_variables


def test_certificates_are_added_to_the_system_s(tmp_path, monkeypatch):
    system = tmp_path / "system.pem"
    system.write_bytes(b"SYSTEM\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(system))

    path = combined_certificates(tmp_path, b"OURS\n", b"", b"INDEX")

    assert path is not None
    assert path.read_bytes() == b"SYSTEM\nOURS\nINDEX\n"
    assert combined_certificates(tmp_path, b"", b"\n") is None


def test_proxies_come_in_both_cases_and_leave_the_inside_alone():
    environment = {"HTTPS_PROXY": "http://p:1", "no_proxy": "example.com, .corp", "UV_INDEX": "x"}

    found = proxy_variables(environment, ["gateway.ns.svc:8080/base", "registry.example:5000/team/x:r1"])

    assert found["HTTPS_PROXY"] == found["https_proxy"] == "http://p:1"
    assert found["NO_PROXY"] == found["no_proxy"]
    assert found["NO_PROXY"].split(",") == [
        *("example.com", ".corp", "localhost", "127.0.0.1", ".svc", ".cluster.local"),
        *("gateway.ns.svc", "registry.example"),
    ]
    assert "UV_INDEX" not in found
    assert other_variables(environment) == {"UV_INDEX": "x"}


def test_without_a_proxy_no_variables_are_passed_on():
    assert proxy_variables({"NO_PROXY": "x", "A": "b"}, ["y"]) == {}


def test_the_cache_volume_is_one_build_s_at_a_time(tmp_path, output):
    first, second = CacheVolume(tmp_path, output), CacheVolume(tmp_path, output)

    assert first.take("buildkit") == tmp_path / "buildkit"
    assert second.take("buildkit") is None
    assert "another build uses the volume" in output.text()


def test_a_lock_of_a_process_that_died_holds_nobody_up(tmp_path, output):
    with (tmp_path / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

    assert CacheVolume(tmp_path, output).take("buildah") == tmp_path / "buildah"


def test_a_volume_s_setgid_bit_goes_no_further(tmp_path, output):
    work, cache = tmp_path / "work", tmp_path / "cache"
    for directory in (work, cache):
        directory.mkdir()
        directory.chmod(0o2777)

    made = Paths(work, work, cache, work).made("source")
    taken = CacheVolume(cache, output).take("buildkit")

    assert taken is not None
    assert [path.stat().st_mode & 0o7777 for path in (made, taken)] == [0o700, 0o700]


def test_without_a_cache_volume_nothing_is_taken(tmp_path, output):
    assert CacheVolume(tmp_path / "none", output).take("buildkit") is None


def test_a_volume_that_cannot_be_used(tmp_path, output):
    (tmp_path / "lock").mkdir()

    assert CacheVolume(tmp_path, output).take("buildkit") is None
    assert "the volume cannot be used" in output.text()


def test_a_full_volume_is_emptied(tmp_path, output, monkeypatch):
    (tmp_path / "buildah/old").mkdir(parents=True)
    monkeypatch.setattr(cache_volume, "_LEAST_FREE", 1.1)

    assert CacheVolume(tmp_path, output).take("buildah") == tmp_path / "buildah"

    assert list((tmp_path / "buildah").iterdir()) == []
    assert "the cache is emptied" in output.text()


def run(output, *command, **options):
    return Commands(output).run(command, os.environ, **options)


def test_a_command_s_output_goes_to_the_log_as_it_comes(output):
    output.hide(["secret"])

    finished = run(output, "sh", "-c", "echo one; echo a secret >&2; printf 'old\\rnew'; exit 3")

    assert finished.code == 3
    assert finished.lines == ("one", "a ***", "new")
    assert output.text() == "one\na ***\nnew\n"


def test_lines_that_are_not_shown_count_all_the_same(output):
    assert run(output, "echo", "x", shown=silent).lines == ("x",)
    assert output.text() == ""


def test_a_long_line_comes_in_pieces(output):
    finished = run(output, "sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x")

    assert sum(map(len, finished.lines)) == 40000


def test_a_program_that_is_not_there(output):
    with pytest.raises(BuildError, match="nosuchprogram cannot be started") as raised:
        run(output, "nosuchprogram")

    assert raised.value.reason is Reason.BUILDER_FAILED


def test_what_a_program_leaves_behind_ends_with_it(output, tmp_path):
    run(output, "sh", "-c", f"sleep 60 > /dev/null 2>&1 & echo $! > {tmp_path}/pid")

    assert _ends(int((tmp_path / "pid").read_text()))


def test_all_programs_end_also_those_that_do_not_want_to(output, tmp_path):
    commands = Commands(output)
    stubborn = commands.start(["sh", "-c", "trap '' TERM; echo ready; sleep 60 & wait; sleep 60"], os.environ)
    polite = commands.start(["sleep", "60"], os.environ, log=subprocess.DEVNULL)
    assert stubborn.stdout is not None
    stubborn.stdout.readline()

    started = time.monotonic()
    commands.stop_all()

    assert time.monotonic() - started < 10
    assert polite.returncode == -signal.SIGTERM
    assert stubborn.returncode == -signal.SIGKILL
    stubborn.stdout.close()


def _ends(number):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        status = Path(f"/proc/{number}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False
