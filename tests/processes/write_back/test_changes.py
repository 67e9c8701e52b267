"""What counts as a change of a data pool's folder."""

import hashlib
import json
import os

import pytest

from serviceexecution.collector.pools.changes import find_changes, state_lines
from serviceexecution.collector.pools.files import PoolFile


def staged(folder, **contents):
    """Write files as they are staged; returns how the index lists them."""
    files = []
    for name, content in contents.items():
        file = PoolFile(name, len(content), hashlib.sha256(content).digest(), 0)
        (folder / name).write_bytes(content)
        os.utime(folder / name, ns=(file.staged_at, file.staged_at))
        files.append(file)
    return files


def changes(folder, files):
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return find_changes(descriptor, files)
    finally:
        os.close(descriptor)


def test_nothing_is_read_of_files_that_have_size_and_time(tmp_path, monkeypatch):
    files = staged(tmp_path, a=b"1", b=b"2")
    monkeypatch.setattr(os, "read", None)
    assert not changes(tmp_path, files)


def test_new_changed_and_deleted_files_are_told_apart(tmp_path):
    files = staged(tmp_path, same=b"1", touched=b"2", longer=b"3", other=b"4", gone=b"5")
    os.utime(tmp_path / "touched")
    (tmp_path / "longer").write_bytes(b"33")
    (tmp_path / "other").write_bytes(b"x")
    (tmp_path / "gone").unlink()
    (tmp_path / "new").write_bytes(b"")
    found = changes(tmp_path, files)
    assert (found.put, found.deleted, found.obstacles) == (["longer", "new", "other"], ["gone"], [])


def test_equal_files_have_their_own_times(tmp_path):
    one, other = staged(tmp_path, a=b"1", b=b"1")
    assert one.staged_at != other.staged_at


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.symlink_to("a"), "is no regular file"),
        (os.mkfifo, "is no regular file"),
    ],
)
def test_what_can_be_in_no_pool_is_an_obstacle(tmp_path, make, words):
    files = staged(tmp_path, a=b"1")
    make(tmp_path / "odd")
    found = changes(tmp_path, files)
    assert words in found.obstacle()
    assert "'odd'" in found.obstacle()


def test_names_that_no_pool_takes_are_obstacles(tmp_path):
    files = staged(tmp_path, a=b"1")
    (tmp_path / "line\nend").write_bytes(b"")
    with open(os.fsencode(tmp_path) + b"/\xff", "wb"):  # noqa: PTH123
        pass
    assert len(changes(tmp_path, files).obstacles) == 2


def test_of_many_obstacles_five_are_named(tmp_path):
    for number in range(8):
        (tmp_path / f"d{number}").mkdir()
    assert changes(tmp_path, []).obstacle().endswith("; and 3 more.")


def test_the_text_of_a_state_ends_with_the_number_of_its_lines():
    text = b"".join(state_lines([("ü", 1, "0" * 64)], ["gone"]))
    lines = text.split(b"\n")
    assert [json.loads(line) for line in lines] == [["ü", 1, "0" * 64], ["gone"], 2]


def test_a_long_state_comes_in_pieces():
    put = [(f"{number:0200d}", number, "0" * 64) for number in range(1000)]
    pieces = list(state_lines(put, []))
    assert len(pieces) > 3
    assert b"".join(pieces).endswith(b"\n1000")
