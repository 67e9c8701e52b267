"""Starter projects, copied from the package's own templates."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError

PROJECT_SCHEMA: Final = "sx.schema.json"
"""Generated; editors find it by the first line of sx.yaml."""
_MARK: Final = "__NAME__"
_NOT_COPIED: Final = frozenset({"__pycache__"})
_RENAMED: Final = {"dot-dockerignore": ".dockerignore", "dot-gitignore": ".gitignore"}
"""Their own names would make tools around the package heed them."""


def create_project(kind: str, name: str, folder: Path) -> list[str]:
    """Write the starter project of a kind into ``folder`` and return its files' paths, sorted.

    Raises CommandError when the folder holds something.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise CommandError(f"{folder} exists and is not empty; choose another name or folder.")
    written: list[str] = []
    try:
        _copy(files("serviceexecution.cli") / "templates" / kind, folder, "", name, written)
        schema = (files("serviceexecution.cli") / PROJECT_SCHEMA).read_text(encoding="utf-8")
        (folder / PROJECT_SCHEMA).write_text(schema, encoding="utf-8")
        written.append(PROJECT_SCHEMA)
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}.") from None
    return sorted(written)


def _copy(source: Traversable, folder: Path, prefix: str, name: str, written: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.name in _NOT_COPIED:
            continue
        target = folder / _RENAMED.get(entry.name, entry.name)
        if entry.is_dir():
            _copy(entry, target, f"{prefix}{target.name}/", name, written)
        else:
            target.write_text(entry.read_text(encoding="utf-8").replace(_MARK, name), encoding="utf-8")
            written.append(prefix + target.name)
