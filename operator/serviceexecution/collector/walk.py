"""Finds the regular files below a directory, without following links or leaving its file system."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

MAX_DEPTH: Final = 127
"""Directories above a file; each is held open while what is below it is looked at."""
MAX_PATH_BYTES: Final = 4096
_SHOWN_BYTES: Final = 512
"""Of a path that is not collected. A thousand of them are remembered."""
FIRST: Final = "output.json"
"""The main result goes first, so that an output limit hits other files."""

_DIRECTORY_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS: Final = (
    (stat.S_ISLNK, "symbolic links are not followed"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Found:
    """A regular file: path with "/" between parts, and where to open it: ``name`` in the open ``directory``,
    which is valid only until the next one is asked for."""

    __slots__ = ("directory", "name", "path")

    def __init__(self, path: str, directory: int, name: str) -> None:
        self.path = path
        self.directory = directory
        self.name = name


class Skipped:
    """Something that is not collected, and why, in words for the user."""

    __slots__ = ("path", "reason")

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason


def reason_of(error: OSError) -> str:
    """Word an error that occurred while reading."""
    if isinstance(error, FileNotFoundError):
        return "it vanished while it was collected"
    return f"it cannot be read: {error.strerror or error}"


def walk(root: str, max_names: int) -> Iterator[Found | Skipped]:
    """Give all regular files, those of a directory before those below it, by name; the main result first.

    At most ``max_names`` names of one directory are looked at. A missing root is an empty one.
    """
    try:
        # The root itself may be a link: it is the operator's mount, not the program's
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Skipped("", f"the output directory: {reason_of(error)}")
        return
    device = os.fstat(descriptor).st_dev
    stack: list[tuple[int, bytes, Iterator[str]]] = []
    try:
        descend: tuple[int, bytes] | None = (descriptor, b"")
        while descend is not None or stack:
            if descend is not None:
                descriptor, prefix = descend
                descend = None
                directories: list[str] = []
                stack.append((descriptor, prefix, iter(directories)))
                yield from _files(descriptor, prefix, device, directories, max_names)
                stack[-1] = (descriptor, prefix, iter(directories))
            descriptor, prefix, rest = stack[-1]
            name = next(rest, None)
            if name is None:
                stack.pop()
                os.close(descriptor)
                continue
            path = prefix + os.fsencode(name)
            if len(stack) > MAX_DEPTH:
                yield Skipped(_shown(path), f"nested deeper than {MAX_DEPTH} directories")
                continue
            try:
                descend = (os.open(name, _DIRECTORY_FLAGS, dir_fd=descriptor), path + b"/")
            except OSError as error:
                yield Skipped(_shown(path), f"a directory: {reason_of(error)}")
    finally:
        for descriptor, _, _ in stack:
            os.close(descriptor)


def _files(
    descriptor: int, prefix: bytes, device: int, directories: list[str], max_names: int
) -> Iterator[Found | Skipped]:
    """Give the files of one directory and add the directories in it to ``directories``."""
    try:
        names: list[str] = []
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if len(names) >= max_names:
                    yield Skipped(_shown(prefix), f"only {max_names} names of this directory are looked at")
                    break
                names.append(entry.name)
    except OSError as error:
        yield Skipped(_shown(prefix), f"a directory: {reason_of(error)}")
        return
    names.sort(key=lambda name: (name != FIRST, name), reverse=True)
    while names:
        name = names.pop()  # Given back one by one, while what is known of the files grows
        raw = prefix + os.fsencode(name)
        try:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except OSError as error:
            yield Skipped(_shown(raw), reason_of(error))
            continue
        reason = _obstacle(raw, status, device)
        if reason:
            yield Skipped(_shown(raw), reason)
        elif stat.S_ISDIR(status.st_mode):
            if raw == FIRST.encode():  # Its files are output, but none of them is the main result
                yield Skipped(FIRST, "a directory")
            directories.append(name)
        else:
            yield Found(raw.decode(), descriptor, name)


def _obstacle(raw: bytes, status: os.stat_result, device: int) -> str:
    for is_kind, reason in _KINDS:
        if is_kind(status.st_mode):
            return reason
    if status.st_dev != device:
        return "on another file system"
    if len(raw) > MAX_PATH_BYTES:
        return f"its path is longer than {MAX_PATH_BYTES} bytes"
    try:
        raw.decode()
    except UnicodeDecodeError:
        return "its name is not UTF-8"
    return ""


def _shown(raw: bytes) -> str:
    text = raw[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return text if len(raw) <= _SHOWN_BYTES else f"{text}…"
