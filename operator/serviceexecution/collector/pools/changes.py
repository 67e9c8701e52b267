"""What a program has changed in the folder of a data pool that it may write: found by size and time, then by digest."""

from __future__ import annotations

import hashlib
import json
import os
import stat

from ..walk import reason_of
from .files import MAX_NAME_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from .files import PoolFile

MOST_NAMES: Final = 200_000
"""Of one folder; the gateway takes fewer."""
_READ_BYTES: Final = 256 * 1024
_PIECE_BYTES: Final = 64 * 1024
_SHOWN: Final = 5
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class Changes:
    """Names of files that are new or changed, and of those that were deleted.

    ``obstacles`` says what can be in no data pool. With any of that there is no new state: half of one is none.
    """

    __slots__ = ("deleted", "obstacles", "put")

    def __init__(self) -> None:
        self.put: list[str] = []
        self.deleted: list[str] = []
        self.obstacles: list[str] = []

    def __bool__(self) -> bool:
        return bool(self.put or self.deleted or self.obstacles)

    def obstacle(self) -> str:
        """Return what can be in no data pool, in a sentence."""
        more = len(self.obstacles) - _SHOWN
        return "; ".join(self.obstacles[:_SHOWN]) + (f"; and {more} more." if more > 0 else ".")


def find_changes(directory: int, listed: Iterable[PoolFile]) -> Changes:
    """Compare an open folder with the files that were staged. Raises OSError when the folder cannot be read."""
    left = {file.name: file for file in listed}
    found = Changes()
    with os.scandir(directory) as entries:
        for number, entry in enumerate(entries):
            if number >= MOST_NAMES:
                found.obstacles.append(f"it has more than {MOST_NAMES:,} files")
                break
            file = left.pop(entry.name, None)
            obstacle = _obstacle(entry)
            if obstacle:
                found.obstacles.append(obstacle)
                continue
            try:
                if file is None or not _is_unchanged(directory, entry.name, file):
                    found.put.append(entry.name)
            except OSError as error:
                found.obstacles.append(f"{entry.name!r}: {reason_of(error)}")
    found.put.sort()
    found.deleted = sorted(left)
    return found


def open_file(directory: int, name: str) -> int:
    """Open a file of the folder for reading, whatever was put in its place."""
    return os.open(name, _OPEN_FLAGS, dir_fd=directory)


def state_lines(put: Iterable[tuple[str, int, str]], deleted: Iterable[str]) -> Iterator[bytes]:
    """Give the text of a changed state in pieces: files as name, size in bytes and SHA-256, names of deleted ones, and
    at the end how many lines there were."""
    piece = bytearray()
    lines = 0
    for line in (*put, *((name,) for name in deleted)):
        piece += json.dumps(line, separators=(",", ":")).encode() + b"\n"
        lines += 1
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece) + str(lines).encode()


def _is_unchanged(directory: int, name: str, file: PoolFile) -> bool:
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if status.st_size != file.size:
        return False
    if status.st_mtime_ns == file.staged_at:
        return True
    digest = hashlib.sha256()
    descriptor = open_file(directory, name)
    try:
        while piece := os.read(descriptor, _READ_BYTES):
            digest.update(piece)
    finally:
        os.close(descriptor)
    return digest.digest() == file.sha256


def _obstacle(entry: os.DirEntry[str]) -> str:
    """Return why something in the folder can be in no data pool, "" when it can."""
    try:
        raw = entry.name.encode()
    except UnicodeEncodeError:
        return f"{os.fsencode(entry.name)!r}: its name is not UTF-8"
    shown = repr(entry.name)
    if len(raw) > MAX_NAME_BYTES or any(letter < " " or "\x7f" <= letter < "\xa0" for letter in entry.name):
        return f"{shown}: its name has control characters"
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError as error:
        return f"{shown}: {reason_of(error)}"
    if stat.S_ISDIR(mode):
        return f"{shown} is a folder, and data pools have none"
    if not stat.S_ISREG(mode):
        return f"{shown} is no regular file"
    return ""
