"""Writes what an archive holds below one directory, and nothing outside of it.

Files are written while there is no link in the tree at all, so no path can lead out; links are made at the end and
looked at where they lead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.pod.output import size_text

_LONGEST_PATH: Final = 2048
_LONGEST_PART: Final = 255
_SHOWN: Final = 200
_PERMISSIONS: Final = 0o777  # What is beyond, setuid and the like, is dropped


@dataclass(frozen=True, slots=True)
class TreeLimits:
    """The most that a tree may hold."""

    total_bytes: int
    files: int


class TreeWriter:
    """Takes entries in the order of the archive. Every method raises BuildError with the entry's name."""

    def __init__(self, root: Path, limits: TreeLimits) -> None:
        self._root = root
        self._limits = limits
        self._kinds: dict[str, str] = {"": "directory"}
        self._explicit: set[str] = set()
        self._links: dict[str, str] = {}
        self._entries = 0
        self.total_bytes = 0
        self.files = 0
        """Files and links."""

    def directory(self, name: str) -> None:
        """Make a directory; it may have been made by what lies in it."""
        path = self._path(name)
        self._count(name)
        if self._kinds.get(path, "directory") != "directory":
            raise _twice(name)
        self._make(path, name)

    def file(self, name: str, mode: int, time: float, pieces: Iterable[bytes]) -> None:
        """Write a file. ``time`` is in seconds since 1970."""
        path = self._new(name)
        target = self._root / path
        with target.open("xb") as file:
            for piece in pieces:
                self._add_bytes(name, len(piece))
                file.write(piece)
        # The builder itself must be able to read, and remove, whatever it made
        target.chmod(mode & _PERMISSIONS | 0o600)
        seconds = min(max(time, 0), 2**32)
        os.utime(target, (seconds, seconds))
        self._kinds[path] = "file"

    def hard_link(self, name: str, target: str) -> None:
        """Make a second name of a file that came before."""
        path = self._new(name)
        source = self._path(target)
        if self._kinds.get(source) != "file":
            raise _invalid(name, f"is a link to {_shown(target)!r}, which is not a file that comes before it")
        self._add_bytes(name, (self._root / source).stat().st_size)
        shutil.copy2(self._root / source, self._root / path)
        self._kinds[path] = "file"

    def symbolic_link(self, name: str, target: str) -> None:
        """Note a link; it is made by ``finish``."""
        path = self._new(name)
        _check_text(name, target)
        if target.startswith("/") or not target:
            raise _invalid(name, f"is a link to {_shown(target)!r}, which is not inside the source")
        self._kinds[path] = "link"
        self._links[path] = target

    def finish(self) -> None:
        """Make the links, and refuse those that lead out."""
        for path, target in self._links.items():
            (self._root / path).symlink_to(target)
        check_links(self._root, self._links)

    def _new(self, name: str) -> str:
        path = self._path(name)
        if not path:
            raise _invalid(name, "is not the name of a file")
        self._count(name)
        if path in self._kinds:
            raise _twice(name)
        self._make(path.rpartition("/")[0], name)
        self.files += 1
        return path

    def _count(self, name: str) -> None:
        self._entries += 1
        if self._entries > self._limits.files:
            raise BuildError(
                Reason.SOURCE_TOO_LARGE,
                f"The source has more than {self._limits.files} files (at {_shown(name)!r}): "
                "leave out what the build does not need.",
            )

    def _add_bytes(self, name: str, size: int) -> None:
        self.total_bytes += size
        if self.total_bytes > self._limits.total_bytes:
            raise too_many_bytes(self._limits.total_bytes, name)

    def _make(self, path: str, name: str) -> None:
        if path in self._kinds:
            if self._kinds[path] != "directory":
                raise _twice(name)
            return
        self._make(path.rpartition("/")[0], name)
        (self._root / path).mkdir(mode=0o755)
        self._kinds[path] = "directory"

    def _path(self, name: str) -> str:
        _check_text(name, name)
        if name.startswith("/"):
            raise _invalid(name, "has an absolute path")
        parts = [part for part in name.split("/") if part not in {"", "."}]
        if ".." in parts:
            raise _invalid(name, "has '..' in its path")
        path = "/".join(parts)
        encoded = path.encode()
        if len(encoded) > _LONGEST_PATH or any(len(part) > _LONGEST_PART for part in encoded.split(b"/")):
            raise _invalid(name, "has too long a path")
        return path


def check_links(root: Path, links: Iterable[str]) -> None:
    """Raise BuildError for a link, by its path below ``root``, that leads out of the tree."""
    real = os.path.realpath(root)
    for path in links:
        end = os.path.realpath(root / path)
        if end != real and not end.startswith(real + os.sep):
            target = str((root / path).readlink())
            raise _invalid(path, f"is a link to {_shown(target)!r}, which is not inside the source")


def too_many_bytes(limit: int, name: str) -> BuildError:
    """Return the error of a source that is too large, at the entry with which it became so."""
    return BuildError(
        Reason.SOURCE_TOO_LARGE,
        f"The source is larger than {size_text(limit)} when unpacked (at {_shown(name)!r}): "
        "leave out what the build does not need.",
    )


def invalid_entry(name: str, problem: str) -> BuildError:
    """Return the error of an entry that is not taken."""
    return _invalid(name, problem)


def _invalid(name: str, problem: str) -> BuildError:
    return BuildError(Reason.SOURCE_INVALID, f"The source is not accepted: {_shown(name)!r} {problem}.")


def _twice(name: str) -> BuildError:
    return _invalid(name, "comes twice, or as a file and a directory")


def _check_text(name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _invalid(name, "has a name that is not UTF-8") from None
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise _invalid(name, "has a control character in its name")


def _shown(name: str) -> str:
    text = name.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
