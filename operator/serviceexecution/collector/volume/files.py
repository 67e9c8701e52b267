"""The files at the top of a volume. Programs write there what they like: nothing but regular files is opened, and no
link is followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import uuid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

MOST_FILES: Final = 10_000
MOST_NAMES: Final = 100_000
"""Names that are looked at, folders and links among them."""
LONGEST_NAME: Final = 255
"""Bytes in UTF-8."""
HIDDEN: Final = ".sx-upload-"
"""How names of files begin that are not whole yet."""
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # A pipe must not hold it up
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE: Final = 0o664
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_WRITABLE: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_TAKEN: Final = frozenset({errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST})


class RefusedError(Exception):
    """Something cannot be done: a word for programs, and a sentence for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class VolumeFile:
    """A file: its name, its bytes, and when it was last changed, in nanoseconds since 1970."""

    __slots__ = ("changed", "name", "size")

    def __init__(self, name: str, status: os.stat_result) -> None:
        self.name = name
        self.size = status.st_size
        self.changed = status.st_mtime_ns

    def members(self) -> dict[str, object]:
        """Return what is said of it."""
        return {"name": self.name, "size": self.size, "changed": self.changed}


class Volume:
    """The files of one folder. All methods raise RefusedError."""

    def __init__(self, directory: str, pool_uid: str) -> None:
        self._pool = uuid.UUID(pool_uid)
        # The folder itself is the mount, which no program has made
        self._root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def delete_leftovers(self) -> None:
        """Delete what earlier uploads have left that did not end."""
        for name in self._names():
            if name.startswith(HIDDEN):
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=self._root)

    def list(self) -> list[VolumeFile]:
        """Return all files, in no order that means anything."""
        found: list[VolumeFile] = []
        for name in self._names():
            status = self._status(name) if _is_shown(name) else None
            if status is None:
                continue
            if len(found) >= MOST_FILES:
                raise _too_many()
            found.append(VolumeFile(name, status))
        return found

    def open(self, file_id: str) -> tuple[int, VolumeFile]:
        """Return the file of that id, and a descriptor to read it by, which the caller closes."""
        name = self._name_of(file_id)
        try:
            descriptor = os.open(name, _READ, dir_fd=self._root)
        except OSError as error:
            raise _refused(error, name) from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise _no_file()
        return descriptor, VolumeFile(name, status)

    def write(self, name: str, chunks: Iterator[bytearray]) -> VolumeFile:
        """Keep a file, which replaces the one of its name at once when all of it is there."""
        _check_name(name)
        hidden = f"{HIDDEN}{secrets.token_hex(16)}"
        try:
            descriptor = os.open(hidden, _WRITE, _MODE, dir_fd=self._root)
        except OSError as error:
            raise _refused(error, name) from error
        try:
            try:
                for chunk in chunks:
                    _write_all(descriptor, chunk)
                os.fsync(descriptor)
                status = os.fstat(descriptor)
            finally:
                os.close(descriptor)
            os.rename(hidden, name, src_dir_fd=self._root, dst_dir_fd=self._root)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.unlink(hidden, dir_fd=self._root)
            if isinstance(error, OSError):
                raise _refused(error, name) from error
            raise
        with contextlib.suppress(OSError):  # Not every file system syncs folders
            os.fsync(self._root)
        return VolumeFile(name, status)

    def delete(self, file_id: str) -> None:
        """Delete the file of that id."""
        name = self._name_of(file_id)
        try:
            os.unlink(name, dir_fd=self._root)
        except OSError as error:
            raise _refused(error, name) from error

    def _name_of(self, file_id: str) -> str:
        """Return the name of the regular file that has this id, which is made of its name as in the store."""
        for name in self._names():
            if _is_shown(name) and str(uuid.uuid5(self._pool, name)) == file_id:
                if self._status(name) is None:
                    break
                return name
        raise _no_file()

    def _names(self) -> Iterator[str]:
        try:
            with os.scandir(self._root) as entries:
                for number, entry in enumerate(entries):
                    if number >= MOST_NAMES:
                        raise _too_many()
                    yield entry.name
        except OSError as error:
            raise _refused(error, "") from error

    def _status(self, name: str) -> os.stat_result | None:
        """Return what the file system says of a regular file, None for anything else and for what has just gone."""
        try:
            status = os.stat(name, dir_fd=self._root, follow_symlinks=False)
        except OSError:
            return None
        return status if stat.S_ISREG(status.st_mode) else None


def _is_shown(name: str) -> bool:
    """Tell whether a file of that name can be named to clients: in UTF-8, without control characters."""
    if name.startswith(HIDDEN) or "\N{REPLACEMENT CHARACTER}" in name:
        return False
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in name):
        return False
    try:
        name.encode()
    except UnicodeEncodeError:  # Bytes that are no UTF-8
        return False
    return True


def _check_name(name: str) -> None:
    if name in {"", ".", ".."} or "/" in name or not _is_shown(name) or len(name.encode()) > LONGEST_NAME:
        raise RefusedError("InvalidFileName", f"No file of a volume can have this name, or not by {HIDDEN}….")


def _write_all(descriptor: int, data: bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _no_file() -> RefusedError:
    return RefusedError("FileNotFound", "The data pool has no such file.")


def _too_many() -> RefusedError:
    return RefusedError(
        "TooManyFiles",
        f"The volume has more than {MOST_FILES:,} files, or {MOST_NAMES:,} names of any kind, at its top: "
        "only programs reach them.",
    )


def _refused(error: OSError, name: str) -> RefusedError:
    if error.errno in {errno.ENOENT, errno.ELOOP}:
        return _no_file()
    if error.errno in _FULL:
        return RefusedError("VolumeFull", "The volume of this data pool has no room for the file.")
    if error.errno in _NOT_WRITABLE:
        return RefusedError(
            "NotWritable", f"The volume does not let its user 65532 do that: {os.strerror(error.errno or 0)}."
        )
    if error.errno in _TAKEN:
        return RefusedError("NameTaken", f"{name} is a folder on the volume.")
    return RefusedError("VolumeFailed", f"The volume answers: {error.strerror or error}.")
