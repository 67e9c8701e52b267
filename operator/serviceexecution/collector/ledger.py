"""What has been uploaded, in little memory: 50,000 files with long paths must fit into a container of 64 MiB."""

from __future__ import annotations

import hashlib
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

_ENTRY: Final = struct.Struct("=QQqqQ32sH")
_STAMP: Final = struct.Struct("=QQqq")
_NOTHING: Final = bytes(_STAMP.size)
_KEY_BYTES: Final = 16


class Ledger:
    """Files by path: the stamp of what was read, size and SHA-256 of what was sent.

    A path is kept as what differs from the one before it, for files come directory by directory, and is found by its
    digest. ``name_bytes`` is the length of all paths, ``kept_bytes`` of what is kept of them.
    """

    __slots__ = ("_entries", "_last", "kept_bytes", "name_bytes", "total_bytes")

    def __init__(self) -> None:
        self._entries: dict[bytes, bytes] = {}
        self._last = b""
        self.name_bytes = 0
        self.kept_bytes = 0
        self.total_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, path: str) -> bool:
        return _key(path.encode()) in self._entries

    def new_bytes(self, path: str) -> int:
        """Return how much would be kept of a path that came next."""
        raw = path.encode()
        return len(raw) - _shared(self._last, raw)

    def add(self, path: str, stamp: bytes, size: int, digest: bytes, like: Ledger | None = None) -> None:
        """Add a file that is not there yet. What ``like`` holds of it is shared where it is the same."""
        raw = path.encode()
        shared = _shared(self._last, raw)
        entry = _ENTRY.pack(*_STAMP.unpack(stamp), size, digest, shared) + raw[shared:]
        key = _key(raw)
        self._entries[key] = entry if like is None else like.same(key, entry)
        self._last = raw
        self.name_bytes += len(raw)
        self.kept_bytes += len(raw) - shared
        self.total_bytes += size

    def same(self, key: bytes, entry: bytes) -> bytes:
        """Return what this ledger holds if it is the same, so that two ledgers keep it once."""
        held = self._entries.get(key)
        return held if held == entry else entry

    def find(self, path: str) -> tuple[bytes, int, bytes] | None:
        """Return stamp, size and SHA-256 of a file."""
        entry = self._entries.get(_key(path.encode()))
        if entry is None:
            return None
        size, digest, _ = _ENTRY.unpack_from(entry)[4:]
        return entry[: _STAMP.size], size, digest

    def doubt(self, path: str) -> None:
        """Take what is known of a file for outdated, so that it is sent again."""
        key = _key(path.encode())
        entry = self._entries.get(key)
        if entry is not None:
            self._entries[key] = _NOTHING + entry[_STAMP.size :]

    def files(self) -> Iterator[tuple[str, int, bytes]]:
        """Give path, size and SHA-256 of all files in the order in which they came."""
        raw = b""
        for entry in self._entries.values():
            size, digest, shared = _ENTRY.unpack_from(entry)[4:]
            raw = raw[:shared] + entry[_ENTRY.size :]
            yield raw.decode(), size, digest


def stamp_of(status: os.stat_result) -> bytes:
    """Return what changes when a file is written."""
    return _STAMP.pack(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _key(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()[:_KEY_BYTES]


def _shared(one: bytes, other: bytes) -> int:
    """Return how many bytes both begin with."""
    if other.startswith(one):
        return len(one)
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
