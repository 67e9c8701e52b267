"""A volume served by the program as a process: what is listed, kept and given, and what is not."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.processes.volume.serving import ADDRESS, Serving, answer, receive, send

ODD = "a file #1? of ünicode 漢字.csv"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "volume"
    made.mkdir()
    return made


@pytest.fixture
def serving(directory: Path) -> Iterator[Serving]:
    served = Serving(directory)
    yield served
    served.stop()


def test_files_are_kept_listed_read_replaced_and_deleted(serving: Serving, directory: Path) -> None:
    written = serving.write(ODD, b"one ", b"two")
    assert (written["name"], written["size"]) == (ODD, 7)
    assert (directory / ODD).read_bytes() == b"one two"
    serving.write("empty")
    assert serving.names() == sorted([ODD, "empty"])
    assert (serving.read(ODD), serving.read(ODD, 2, 5), serving.read("empty")) == (b"one two", b"e t", b"")
    serving.write(ODD, b"new")
    assert serving.read(ODD) == b"new"
    assert serving.call(do="delete", id=serving.id_of(ODD)) == {}
    assert serving.call(do="delete", id=serving.id_of(ODD))["error"] == "FileNotFound"
    assert serving.names() == ["empty"]


def test_what_programs_plant_is_neither_shown_nor_followed(
    serving: Serving, directory: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the node")
    (directory / "link").symlink_to(secret)
    (directory / "folder").mkdir()
    os.mkfifo(directory / "pipe")
    (directory / "line\nend").write_text("odd")
    (Path(os.fsdecode(os.fsencode(directory) + b"/\xff"))).write_text("odd")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(directory / "socket"))
    assert serving.names() == []
    for name in ("link", "pipe", "folder", "socket"):
        assert serving.call(do="read", id=serving.id_of(name))["error"] == "FileNotFound"
        assert serving.call(do="delete", id=serving.id_of(name))["error"] == "FileNotFound"
    assert serving.write("link", b"mine")["size"] == 4
    assert secret.read_text() == "of the node", "the link is replaced, not followed"
    assert serving.write("folder", b"mine")["error"] == "NameTaken"
    assert not [one for one in directory.iterdir() if one.name.startswith(".sx-upload-")]


@pytest.mark.parametrize("name", ["", ".", "..", "../out", "a/b", "a\nb", ".sx-upload-mine", "x" * 256])
def test_a_name_that_is_a_path_or_ours_is_refused(serving: Serving, directory: Path, name: str) -> None:
    assert serving.write(name, b"x")["error"] == "InvalidFileName"
    assert list(directory.iterdir()) == []


def test_a_file_is_never_half_there(serving: Serving, directory: Path) -> None:
    serving.write("a.csv", b"old")
    with serving.connection() as opened:
        send(opened, b'{"do": "write", "name": "a.csv"}')
        send(opened, b"half")
        assert serving.read("a.csv") == b"old"
        assert serving.names() == ["a.csv"]
    assert serving.write("b.csv", b"b")["size"] == 1
    assert serving.read("a.csv") == b"old"


def test_what_a_killed_upload_has_left_goes_at_the_next_start(serving: Serving, directory: Path) -> None:
    with serving.connection() as opened:
        send(opened, b'{"do": "write", "name": "a.csv"}')
        send(opened, b"half")
        assert serving.write("b.csv", b"b")["size"] == 1
        serving.stop()
    assert [one for one in directory.iterdir() if one.name.startswith(".sx-upload-")]
    again = Serving(directory)
    try:
        assert again.names() == ["b.csv"]
        assert [one.name for one in directory.iterdir()] == ["b.csv"]
    finally:
        again.stop()


def test_who_does_not_know_the_secret_gets_nothing(serving: Serving) -> None:
    with serving.connection(secret=b"x" * 32) as opened, pytest.raises((EOFError, ConnectionError)):
        receive(opened)
    for said in (b"short", b"x" * 33, b""):
        with socket.create_connection((ADDRESS, serving.port), timeout=20) as opened:
            send(opened, said)
            with pytest.raises((EOFError, ConnectionError)):
                receive(opened)


def test_silent_connections_hold_up_nobody(serving: Serving) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection((ADDRESS, serving.port), timeout=20))
        assert serving.names() == []


def test_calls_are_bounded(serving: Serving) -> None:
    with ExitStack() as stack:
        for number in range(16):
            opened = stack.enter_context(serving.connection())
            send(opened, json.dumps({"do": "write", "name": f"{number}"}).encode())
            send(opened, b"x")
        with serving.connection() as one_more:
            assert answer(one_more)["error"] == "Busy"


def test_too_many_files_are_said(serving: Serving, directory: Path) -> None:
    for number in range(10_000):
        (directory / f"{number}").touch()
    assert len(serving.names()) == 10_000
    (directory / "one more").touch()
    assert serving.call(do="list")["error"] == "TooManyFiles"


def test_a_file_that_becomes_shorter_is_not_given_as_whole(serving: Serving, directory: Path) -> None:
    (directory / "a").write_bytes(b"x" * 100)
    with serving.connection() as opened:
        send(opened, json.dumps({"do": "read", "id": serving.id_of("a")}).encode())
        assert answer(opened)["size"] == 100
        os.truncate(directory / "a", 10)
        send(opened, b'{"start": 0, "end": 100}')
        assert len(receive(opened)) == 10
        with pytest.raises((EOFError, ConnectionError)):
            receive(opened)


@pytest.mark.parametrize("call", [b"[]", b"{", b'{"do": "shell"}', b"\xff"])
def test_what_is_no_call_ends_nothing(serving: Serving, call: bytes) -> None:
    with serving.connection() as opened:
        send(opened, call)
    assert serving.names() == []


def test_it_ends_when_nobody_asks(directory: Path) -> None:
    serving = Serving(directory, idle=0.5)
    assert serving.process.wait(timeout=20) == 0
    serving.stop()


def test_it_ends_at_once_when_it_is_told(serving: Serving) -> None:
    serving.process.terminate()
    assert serving.process.wait(timeout=20) == 128 + signal.SIGTERM
