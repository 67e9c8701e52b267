"""What a user reads when something is not there, too old or full."""

import os
from pathlib import Path

import pytest

from cluster.commands import failure_sentence, run
from cluster.environment import key, version_problem
from cluster.errors import LauncherError
from cluster.kinds.kind import check_port_free
from cluster.node import packages
from cluster.node.packages import PACKAGES, check_host, missing_packages


def test_a_full_disk_is_named_as_the_cause() -> None:
    sentence = failure_sentence("Building etcd", 1, "write /x: no space left on device\n")
    assert "the disk is full" in sentence
    assert "\n" not in sentence


def test_a_failure_shows_the_end_of_the_output() -> None:
    sentence = failure_sentence("Building", 2, "\n".join(f"line {number}" for number in range(100)))
    assert sentence.startswith("Building failed with status 2:")
    assert "line 99" in sentence
    assert "line 50" not in sentence


def test_a_program_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(LauncherError, match="Looking failed: no-such-program cannot be started"):
        run(["no-such-program"], what="Looking")


def test_another_system_and_no_root_are_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    linux = os.uname()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LauncherError, match=r"needs root; run `sudo -E make up`, or .*CLUSTER=kind"):
        check_host()
    fields = ("Darwin", *tuple(linux)[1:])
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(fields))
    with pytest.raises(LauncherError, match="runs on Linux, not on Darwin"):
        check_host()


def test_packages_are_looked_for_in_merged_and_split_usr(tmp_path: Path) -> None:
    assert missing_packages(tmp_path) == list(PACKAGES)
    for place in ("bin/mount", "usr/bin/containerd"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    assert {"mount", "containerd"}.isdisjoint(missing_packages(tmp_path))


def test_without_apt_the_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing_packages", lambda **_: ["runc"])
    monkeypatch.setattr("cluster.node.packages.shutil.which", lambda _name: None)
    with pytest.raises(LauncherError, match="needs runc, and this system has no apt-get"):
        packages.install_missing()


def test_a_taken_port_is_named() -> None:
    import socket  # noqa: PLC0415 - only here

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(LauncherError, match=f"port {port} of this machine"):
            check_port_free(port)
    check_port_free(port)


def test_an_old_python_is_named() -> None:
    assert version_problem((3, 11)) is None
    assert "is 3.9" in (version_problem((3, 9)) or "")


def test_the_environment_changes_with_locks_and_interpreter() -> None:
    keys = {
        key(b"a", b"b", "3.11"),
        key(b"b", b"b", "3.11"),
        key(b"a", b"a", "3.11"),
        key(b"a", b"b", "3.12"),
    }
    assert len(keys) == 4
