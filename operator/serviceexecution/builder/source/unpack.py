"""Unpacks a tar.gz or zip file whose maker is not trusted, piece by piece."""

from __future__ import annotations

import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, Self, cast

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.source.tree import TreeLimits, TreeWriter, invalid_entry

_PIECE: Final = 256 * 1024
_LARGEST_RATIO: Final = 200
_RATIO_FROM_BYTES: Final = 64 * 1024 * 1024
"""Small texts may well be packed tighter than the ratio."""
_LARGEST_EXTENSION: Final = 1024 * 1024
"""A longer header of tar, such as a path, is an attack: it is read into memory."""
_LARGEST_DIRECTORY: Final = 32 * 1024 * 1024
"""The same for the directory at the end of a zip file."""
_EXTENSIONS: Final = frozenset({
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
})  # fmt: skip
_END_OF_DIRECTORY: Final = b"PK\x05\x06"
_UNIX: Final = 3
_FIRST_DAY: Final = datetime(1980, 1, 1, tzinfo=UTC).timestamp()
_BROKEN: Final = (
    tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError,
    UnicodeDecodeError, struct.error, ValueError, OverflowError, RecursionError,
)  # fmt: skip
"""RecursionError: Python's tarfile reads a header that belongs to the next one by calling itself."""


def unpack(archive: Path, root: Path, limits: TreeLimits) -> TreeWriter:
    """Unpack into the empty directory ``root``; raises BuildError: SourceInvalid, SourceTooLarge."""
    with archive.open("rb") as file:
        start = file.read(4)
    try:
        if start[:2] == b"\x1f\x8b":
            return _unpack_tar(archive, root, limits)
        if start[:2] == b"PK":
            return _unpack_zip(archive, root, limits)
    except _BROKEN as error:
        raise BuildError(
            Reason.SOURCE_INVALID, f"The archive is broken: {str(error)[:200] or type(error).__name__}."
        ) from error
    raise BuildError(Reason.SOURCE_INVALID, "The archive is neither a tar.gz nor a zip file.")


class _Entry(tarfile.TarInfo):
    """An entry of a tar file that is refused before a long header of it is read into memory."""

    @classmethod
    def frombuf(  # type: ignore[explicit-override] # typing.override comes with Python 3.12
        cls, buf: bytes | bytearray, encoding: str, errors: str
    ) -> Self:
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in _EXTENSIONS and entry.size > _LARGEST_EXTENSION:
            raise invalid_entry(entry.name, f"has a header of {entry.size} bytes")
        return entry


class _Counted:
    """A stream that is read no further than the limits of what is unpacked allow, with room for headers."""

    def __init__(self, stream: IO[bytes], packed: int, limits: TreeLimits) -> None:
        self._stream = stream
        self._packed = packed
        self._most = limits.total_bytes + 4096 * (limits.files + 16)
        self._size = 0
        self.name = ""

    def read(self, size: int) -> bytes:
        """Read as a file does."""
        data = self._stream.read(size)
        self._size += len(data)
        check_ratio(self.name, self._size, self._packed)
        if self._size > self._most:
            raise BuildError(
                Reason.SOURCE_TOO_LARGE, f"The archive is too large when unpacked (at {self.name[:200]!r})."
            )
        return data


def check_ratio(name: str, size: int, packed: int) -> None:
    """Raise BuildError when so much came out of so little that only an attack explains it."""
    if size > _RATIO_FROM_BYTES and size > _LARGEST_RATIO * packed:
        raise invalid_entry(
            name, f"is part of a decompression bomb: {packed} packed bytes became more than {size}"
        )


def _unpack_tar(archive: Path, root: Path, limits: TreeLimits) -> TreeWriter:
    tree = TreeWriter(root, limits)
    with gzip.open(archive, "rb") as stream:
        counted = _Counted(cast("IO[bytes]", stream), archive.stat().st_size, limits)
        with tarfile.open(
            fileobj=cast("IO[bytes]", counted), mode="r|", tarinfo=_Entry, encoding="utf-8", errorlevel=1
        ) as tar:
            while (entry := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined] # else all of them stay in memory
                counted.name = entry.name
                _take(tree, tar, entry)
    tree.finish()
    return tree


def _take(tree: TreeWriter, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
    if entry.isdir():
        tree.directory(entry.name)
    elif entry.issym():
        tree.symbolic_link(entry.name, entry.linkname)
    elif entry.islnk():
        tree.hard_link(entry.name, entry.linkname)
    elif entry.isreg() and not entry.issparse():
        content = tar.extractfile(entry)
        if content is None:
            raise invalid_entry(entry.name, "cannot be read")
        tree.file(entry.name, entry.mode, entry.mtime, _pieces(content))
    else:
        raise invalid_entry(entry.name, "is neither a file nor a directory nor a link")


def _unpack_zip(archive: Path, root: Path, limits: TreeLimits) -> TreeWriter:
    _check_directory(archive)
    tree = TreeWriter(root, limits)
    packed = archive.stat().st_size
    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist():
            name = entry.filename
            mode = entry.external_attr >> 16 if entry.create_system == _UNIX else 0
            kind = stat.S_IFMT(mode)
            if "\\" in name:
                raise invalid_entry(name, "has a backslash in its path")
            if entry.flag_bits & 1:
                raise invalid_entry(name, "is encrypted")
            if kind not in {0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}:
                raise invalid_entry(name, "is neither a file nor a directory nor a link")
            if entry.is_dir():
                tree.directory(name)
                continue
            with file.open(entry) as content:
                if kind == stat.S_IFLNK:
                    tree.symbolic_link(name, _read(content)[:4096].decode())
                else:
                    tree.file(name, mode or 0o644, _time(entry), _checked(name, content, packed, tree))
    tree.finish()
    return tree


def _checked(name: str, content: IO[bytes], packed: int, tree: TreeWriter) -> Iterator[bytes]:
    for piece in _pieces(content):
        check_ratio(name, tree.total_bytes + len(piece), packed)
        yield piece


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := _read(content):
        yield piece


def _read(content: IO[bytes]) -> bytes:
    """Read a piece; raises BadZipFile for what is not packed as it says, and for packing that wants gigabytes."""
    try:
        return content.read(_PIECE)
    except (lzma.LZMAError, OSError, MemoryError) as error:
        if (
            isinstance(error, OSError) and error.errno is not None
        ):  # The disk's; of bzip2's data it has no number
            raise
        raise zipfile.BadZipFile(str(error) or type(error).__name__) from error


def _time(entry: zipfile.ZipInfo) -> float:
    """Return seconds since 1970; the file says no time zone, so that it is taken as UTC.

    Programs that write no date give month 0 of 1980, and nothing forbids a wrong one: it is the format's first day.
    """
    try:
        return datetime(*entry.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return _FIRST_DAY


def _check_directory(archive: Path) -> None:
    """Refuse a zip file whose directory would not fit into memory; it is read as a whole."""
    with archive.open("rb") as file:
        size = archive.stat().st_size
        file.seek(max(0, size - 65557))  # The longest comment, and the record itself
        tail = file.read()
    at = tail.rfind(_END_OF_DIRECTORY)
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile("it has no end")
    length: int = struct.unpack_from("<I", tail, at + 12)[0]
    if length > _LARGEST_DIRECTORY:
        raise BuildError(
            Reason.SOURCE_TOO_LARGE, "The archive has too many files: leave out what the build does not need."
        )
