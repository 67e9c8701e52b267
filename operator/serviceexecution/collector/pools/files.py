"""The files of a data pool as its index lists them, and the stretches in which they are fetched."""

from __future__ import annotations

import hashlib
import json

from ..gateway_client import UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

STRETCH_BYTES: Final = 8 * 1024 * 1024
STRETCH_FILES: Final = 512
MAX_NAME_BYTES: Final = 255
_STAGED_SECONDS: Final = 946_684_800
"""The beginning of the year 2000."""


class PoolFile:
    """One file; ``offset`` is where it begins when all files of the index follow each other without a gap."""

    __slots__ = ("name", "offset", "sha256", "size")

    def __init__(self, name: str, size: int, sha256: bytes, offset: int) -> None:
        self.name = name
        self.size = size
        self.sha256 = sha256
        self.offset = offset

    @property
    def staged_at(self) -> int:
        """Return the time of change, in nanoseconds, that a file has which may be changed and was not.

        It differs from file to file, so that one which was copied over another with its time is also seen.
        """
        digest = hashlib.sha256(self.sha256 + self.name.encode()).digest()
        return (_STAGED_SECONDS * 10**9) + int.from_bytes(digest[:8], "big") % 10**9

    @property
    def end(self) -> int:
        """Return where the next file begins."""
        return self.offset + self.size


def read_index(body: bytes) -> list[PoolFile]:
    """Return the files of an index: a line for each, a JSON array of name, bytes and SHA-256.

    The line at the end tells how many there are. Raises UnavailableError when it is not such a text.
    """
    files: list[PoolFile] = []
    offset = 0
    lines = body.split(b"\n")
    try:
        for line in lines[:-1]:
            name, size, digest = json.loads(line)
            files.append(PoolFile(_checked(name), _size(size), bytes.fromhex(digest), offset))
            offset += size
        listed = json.loads(lines[-1])
    except (ValueError, TypeError) as error:
        raise UnavailableError(f"The list of its files cannot be read: {error}.") from None
    if listed != len(files):
        raise UnavailableError("The list of its files is cut off.")
    return files


def stretches(files: Iterable[PoolFile]) -> Iterator[list[PoolFile]]:
    """Give the files in stretches that follow each other without a gap: large files by themselves, small ones
    together."""
    stretch: list[PoolFile] = []
    held = 0
    for file in files:
        joins = stretch and stretch[-1].end == file.offset
        if stretch and not (joins and held + file.size <= STRETCH_BYTES and len(stretch) < STRETCH_FILES):
            yield stretch
            stretch, held = [], 0
        stretch.append(file)
        held += file.size
    if stretch:
        yield stretch


def _checked(name: object) -> str:
    """Return a file's name if it can be one of a folder's: the folder is not to be left."""
    if not isinstance(name, str) or name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is no name of a file")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"the name {name[:40]!r}… is too long")
    return name


def _size(size: object) -> int:
    if not isinstance(size, int) or size < 0:
        raise ValueError(f"{size!r} is no size")
    return size
