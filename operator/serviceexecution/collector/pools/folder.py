"""Writes the files of a data pool into its folder: under another name until their content is known to be right."""

from __future__ import annotations

import errno
import hashlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from .files import PoolFile

_MODE: Final = 0o444
_WRITABLE_MODE: Final = 0o666
"""The program may run as another user."""
_PART: Final = "\x1fpart-"
"""No file of a pool has a control character in its name."""
_READ_BYTES: Final = 256 * 1024
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class NoRoomError(Exception):
    """The node's disk, or the folder, is full."""


class DamagedError(Exception):
    """What came for a file is not what the index lists."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Folder:
    """The folder of one data pool."""

    def __init__(self, path: str, *, writable: bool = False) -> None:
        self._writable = writable
        os.makedirs(path, exist_ok=True)  # noqa: PTH103 - pathlib costs memory
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def whole(self) -> dict[str, int]:
        """Return the sizes of the files that are whole, by name."""
        with os.scandir(self._descriptor) as entries:
            return {entry.name: entry.stat().st_size for entry in entries if not entry.name.startswith(_PART)}

    def open_part(self, file: PoolFile) -> int:
        """Open what there is of a file that is not whole, for reading and writing."""
        return os.open(self._part(file), _FLAGS, 0o600, dir_fd=self._descriptor)

    def finish(self, file: PoolFile, descriptor: int) -> None:
        """Give a whole file its name and mode."""
        os.fchmod(descriptor, _WRITABLE_MODE if self._writable else _MODE)
        if self._writable:
            os.utime(descriptor, ns=(file.staged_at, file.staged_at))
        os.rename(self._part(file), file.name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)

    def _part(self, file: PoolFile) -> str:
        """Return a name that no other file of the pool has: empty ones may be alike in all but their own name."""
        return f"{_PART}{hashlib.sha256(file.name.encode()).hexdigest()}"


class StretchWriter:
    """Takes the content of files that follow each other, however it is cut, and checks each."""

    def __init__(self, folder: Folder, files: list[PoolFile]) -> None:
        self._folder = folder
        self._files = files
        self._next = 0
        self._descriptor = -1
        self._digest = hashlib.sha256()
        self._written = 0
        self.finished = 0
        """Number of files that are whole."""
        self._open(resume=True)

    @property
    def position(self) -> int:
        """Return which byte of the whole pool is awaited."""
        if self._next == len(self._files):
            return self._files[-1].end
        return self._files[self._next].offset + self._written

    @property
    def end(self) -> int:
        """Return where the last file ends."""
        return self._files[-1].end

    def write(self, piece: memoryview) -> None:
        """Take the next bytes. Raises DamagedError, and NoRoomError; another OSError has a ``filename``."""
        while piece:
            file = self._files[self._next]
            part = piece[: file.size - self._written]
            self._digest.update(part)
            self._store(file, part)
            piece = piece[len(part) :]
            if self._written == file.size:
                self._finish(file)
                self._open(resume=False)

    def begin_again(self) -> None:
        """Forget what came for the file that was found damaged."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._digest = hashlib.sha256()
        self._written = 0

    def close(self) -> None:
        """Let go of the file that is not whole."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _store(self, file: PoolFile, part: memoryview) -> None:
        while part:
            try:
                count = os.write(self._descriptor, part)
            except OSError as error:
                raise _said(error, file) from None
            self._written += count
            part = part[count:]

    def _open(self, *, resume: bool) -> None:
        """Open the next file that has content, and make the empty ones. What an earlier start has left of it stays
        when the bytes are not on their way yet."""
        while self._next < len(self._files):
            file = self._files[self._next]
            try:
                self._descriptor = self._folder.open_part(file)
                if not resume:
                    os.ftruncate(self._descriptor, 0)
                self._digest, self._written = _content(self._descriptor, file.size)
            except OSError as error:
                raise _said(error, file) from None
            if self._written and self._written == file.size and self._digest.digest() != file.sha256:
                self.begin_again()  # Left by a node that went down
            if self._written < file.size:
                return
            self._finish(file)

    def _finish(self, file: PoolFile) -> None:
        if self._digest.digest() != file.sha256:
            raise DamagedError(file.name)
        try:
            self._folder.finish(file, self._descriptor)
        except OSError as error:
            raise _said(error, file) from None
        self.close()
        self._next += 1
        self.finished += 1


def _content(descriptor: int, size: int) -> tuple[hashlib._Hash, int]:
    """Return digest and length of what a file has; one that has too much is emptied."""
    digest, length = hashlib.sha256(), 0
    if os.fstat(descriptor).st_size > size:
        os.ftruncate(descriptor, 0)
    while piece := os.read(descriptor, _READ_BYTES):
        digest.update(piece)
        length += len(piece)
    return digest, length


def _said(error: OSError, file: PoolFile) -> Exception:
    """Return the error of a file: with its name, so that it is not taken for one of the connection."""
    if error.errno in _NO_ROOM:
        return NoRoomError(os.strerror(error.errno or 0))
    error.filename = file.name
    return error
