"""The files of one state of a data pool, in an order in which they follow each other without a gap. Pure."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from serviceexecution.store.pools.records import PoolFile

_LINES_AT_ONCE: Final = 500


class ListedFile(NamedTuple):
    """One file: its digest in hexadecimal digits, and where in the pool its content is."""

    name: str
    size: int
    sha256: str
    blob: str


class Piece(NamedTuple):
    """Bytes ``start`` to ``end`` (exclusive) of a file."""

    file: ListedFile
    start: int
    end: int


class PoolListing:
    """The files by name. Never changes."""

    __slots__ = ("_files", "_starts", "total_bytes")

    def __init__(self, files: Iterable[PoolFile]) -> None:
        """``files`` are sorted by name."""
        self._files = tuple(ListedFile(one.name, one.size, one.sha256, one.blob) for one in files)
        self._starts: list[int] = []
        self.total_bytes = 0
        for file in self._files:
            self._starts.append(self.total_bytes)
            self.total_bytes += file.size

    def __len__(self) -> int:
        return len(self._files)

    @property
    def files(self) -> tuple[ListedFile, ...]:
        """Return the files by name."""
        return self._files

    def pieces(self, start: int, end: int) -> Iterator[Piece]:
        """Give the parts of files that the bytes ``start`` to ``end`` (exclusive) of the whole are in."""
        number = bisect_right(self._starts, start) - 1
        while start < end:
            file, first = self._files[number], self._starts[number]
            last = min(end, first + file.size)
            if last > start:
                yield Piece(file, start - first, last - first)
                start = last
            number += 1

    def text(self) -> Iterator[bytes]:
        """Give the list as pods read it, in pieces: a line for each file, and their number at the end."""
        for number in range(0, len(self._files), _LINES_AT_ONCE):
            lines = [
                json.dumps([one.name, one.size, one.sha256], ensure_ascii=False, separators=(",", ":")) + "\n"
                for one in self._files[number : number + _LINES_AT_ONCE]
            ]
            yield "".join(lines).encode()
        yield str(len(self._files)).encode()
