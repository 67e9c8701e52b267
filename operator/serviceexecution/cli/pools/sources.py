"""Which files ``sx pool put`` sends, and under which names."""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.pools.pool_client import checked_name

STANDARD_INPUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """A file, and its name in the data pool."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What is sent, and the folders that are left out: data pools are flat."""

    files: tuple[Source, ...]
    folders: tuple[Path, ...] = ()


@contextlib.contextmanager
def sources_of(paths: Iterable[str], name: str) -> Iterator[Sources]:
    """Give the files of the paths: folders stand for the files in them, and ``-`` for standard input.

    ``name`` is that of the only file, "" for its own. Raises CommandError.
    """
    wanted = list(paths)
    with contextlib.ExitStack() as held:
        files: list[Source] = []
        folders: list[Path] = []
        for text in wanted:
            path = Path(text)
            if text == STANDARD_INPUT:
                if not name:
                    raise CommandError("Standard input has no name: give one with --name.")
                files.append(Source(_spooled(held), checked_name(name)))
            elif path.is_dir():
                children = sorted(path.iterdir())
                folders += [child for child in children if child.is_dir()]
                files += [Source(child, checked_name(child.name)) for child in children if child.is_file()]
            elif path.is_file():
                files.append(Source(path, checked_name(name or path.name)))
            else:
                raise CommandError(f"There is no file {text}.")
        if name and len(files) != 1:
            raise CommandError(f"--name is for one file; these are {len(files)}.")
        _check_distinct(files)
        yield Sources(tuple(files), tuple(folders))


def _check_distinct(files: Iterable[Source]) -> None:
    seen: dict[str, Path] = {}
    for file in files:
        if file.name in seen:
            raise CommandError(f"{seen[file.name]} and {file.path} have the same name; data pools are flat.")
        seen[file.name] = file.path


def _spooled(held: contextlib.ExitStack) -> Path:
    """Return a file with standard input: its size must be known, and a cut upload begins again."""
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="sx-pool-")))
    path = folder / "input"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path
