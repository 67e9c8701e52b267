"""Makes what a directory store holds survive a power cut. Object stores do this by themselves."""

import ctypes
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

_FSYNC_ONE_BY_ONE: Final = 16
"""Up to so many files are synced one by one; more by one call for the whole file system."""


def sync_files(root: Path, keys: Collection[str], below: str | None = None) -> None:
    """Write the files and their directories to disk, with ``below`` also the files of that directory, if it is there;
    returns when the disk has them. Blocks: use a thread.

    Raises OSError, FileNotFoundError when one of few files is not there.
    """
    if below is not None:
        keys = [*keys, *_files_below(root, below)]
    if len(keys) > _FSYNC_ONE_BY_ONE and _sync_file_system(root):
        return
    directories: set[Path] = set()
    for key in keys:
        path = root / key
        _fsync(path, os.O_RDONLY)
        while path != root:
            path = path.parent
            directories.add(path)
    for directory in directories:
        _fsync(directory, os.O_RDONLY | os.O_DIRECTORY)


def _files_below(root: Path, prefix: str) -> list[str]:
    root.stat()  # A store that is gone has not merely nothing there
    try:
        with os.scandir(root / prefix) as found:
            return [f"{prefix}/{entry.name}" for entry in found if entry.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file_system(root: Path) -> bool:
    """Call syncfs(2), which Python does not wrap; False where the C library has none."""
    library = ctypes.CDLL(None, use_errno=True)
    syncfs = getattr(library, "syncfs", None)
    if syncfs is None:
        return False
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(root))
    finally:
        os.close(descriptor)
    return True
