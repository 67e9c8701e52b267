"""Content hashes that decide whether something built before can be used again."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_LENGTH: Final = 16
_IGNORED_DIRECTORIES: Final = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def tree_files(root: Path) -> list[Path]:
    """The regular files below `root` (or `root` itself) that count as content, sorted."""
    if root.is_file():
        return [root]
    return sorted(
        path
        for path in root.rglob("*")
        if path.is_file() and not _IGNORED_DIRECTORIES.intersection(path.parts) and path.suffix != ".pyc"
    )


def content_hash(paths: Iterable[Path], *, base: Path, salt: Iterable[str] = ()) -> str:
    """16 hexadecimal digits from the names below `base`, modes' executable bits and bytes of all files in `paths`.

    `salt` adds what else changes the outcome, such as flags or the hash of a base image.
    """
    digest = hashlib.sha256()
    for word in salt:
        digest.update(word.encode() + b"\0")
    for root in paths:
        for path in tree_files(root):
            executable = b"x" if path.stat().st_mode & 0o100 else b"-"
            digest.update(str(path.relative_to(base)).encode() + b"\0" + executable)
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:_LENGTH]
