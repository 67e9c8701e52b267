"""Syntax errors in the files of a project, found without importing any of them."""

from __future__ import annotations

import codecs
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_OURS: Final = {"__pycache__", "node_modules", "site-packages", "dist-packages"}


def syntax_fault(source: Path) -> str | None:
    """Return the first syntax error below ``source`` as a sentence; None when there is none."""
    faults = (_fault_of(path, path.relative_to(source).as_posix()) for path in python_files(source))
    return next((fault for fault in faults if fault is not None), None)


def python_files(source: Path) -> Iterator[Path]:
    """Yield the project's own files: not those of packages, virtual environments and hidden folders."""
    for directory, folders, files in os.walk(source):
        here = Path(directory)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _NOT_OURS
            and not (here / name / "pyvenv.cfg").exists()
        )
        yield from (here / name for name in sorted(files) if name.endswith(".py"))


def _fault_of(path: Path, shown: str) -> str | None:
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    try:
        text = path.read_bytes()
    except OSError:
        return None  # A link to nowhere is no program
    if text.startswith(_UTF_16):
        return f"{shown}:1: This is no valid {python}: the file is UTF-16; save it as UTF-8."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        undecoded = "(unicode error)" in error.msg and "can't decode byte" in error.msg
        fix = "; save the file as UTF-8, or name its encoding in its first line" if undecoded else ""
        return f"{shown}:{error.lineno or 1}: This is no valid {python}: {error.msg}{fix}."
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{shown}:1: This is no valid {python}: {str(error) or type(error).__name__}."
    return None
