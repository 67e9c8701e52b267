"""Where output files go below a folder: never outside of it, and by names that this machine has."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from serviceexecution.cli.errors import CommandError

_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_NOT_ON_WINDOWS: Final = re.compile('[\x00-\x1f\x7f-\x9f\\\\:*?"<>|]|[ .]+$')
_DEVICES: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_LONGEST_NAME: Final = 255
"""Bytes that a name may have on the disks of today."""
PART: Final = ".part"
ETAG: Final = ".etag"


def target_of(directory: Path, path: str, *, windows: bool = os.name == "nt") -> Path:
    """Return where a file goes; raises CommandError for a name that leads out of the directory.

    Control characters, and on Windows what no name may hold there, are written as in URLs: ``%0A``.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise CommandError(f"The service names a file {path!r}, which leads out of the directory.")
    return directory.joinpath(*(_local(part, windows=windows) for part in parts))


def is_caseless(directory: Path) -> bool:
    """Tell whether the disk of a directory takes small and large letters for the same, as those of Macs do."""
    with tempfile.NamedTemporaryFile(prefix="sx-", dir=directory) as file:
        return (directory / Path(file.name).name.upper()).exists()


def targets_of(
    directory: Path,
    paths: Iterable[str],
    *,
    windows: bool = os.name == "nt",
    caseless: bool = os.name == "nt",
) -> dict[str, Path]:
    """Return path → place of all files; raises CommandError when two have the same or one leads out.

    ``caseless`` when the disk takes small and large letters for the same.
    """
    found: dict[str, Path] = {}
    taken: dict[str, str] = {}
    for path in paths:
        target = target_of(directory, path, windows=windows)
        key = str(target).casefold() if caseless else str(target)
        if key in taken:
            raise CommandError(f"The files {taken[key]!r} and {path!r} have the same place here, {target}.")
        taken[key] = path
        found[path] = target
    return found


def part_suffix(paths: Iterable[str]) -> str:
    """Return what the name of a file ends with that has not come whole, so that no file of the result is called so."""
    names = {part.lower() for path in paths for part in PurePosixPath(path).parts}
    number = 0
    while True:
        suffix = f".{number}{PART}" if number else PART
        if not any(name.endswith((suffix, suffix + ETAG)) for name in names):
            return suffix
        number += 1


def prepare(directory: Path, target: Path) -> None:
    """Make the folder of a target; raises CommandError where a link leads out of the directory."""
    root, parent = directory.resolve(), target.parent.resolve()
    if not parent.is_relative_to(root):
        raise CommandError(
            f"{target.parent} is a link that leads out of {directory}: nothing is written there."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise CommandError(f"{target.parent} is no folder, so {target.name} has no place.") from None


def _local(part: str, *, windows: bool) -> str:
    name = (_NOT_ON_WINDOWS if windows else _CONTROLS).sub(_quoted, part)
    if windows and _DEVICES.fullmatch(name):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return shortened(name)


def shortened(name: str, more: str = "") -> str:
    """Return the name with ``more`` behind it, in as many bytes as a file's name may have: the rest becomes a hash."""
    encoded = os.fsencode(name + more)
    if len(encoded) <= _LONGEST_NAME:
        return name + more
    digest = hashlib.sha256(encoded).hexdigest()[:16]
    room = _LONGEST_NAME - len(os.fsencode(more)) - len(digest) - 1
    begin = os.fsencode(name)[:room].decode(errors="ignore")
    return f"{begin}~{digest}{more}"


def _quoted(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())
