"""A look at a Python project before anything is built: its requirements, and the library that it uses."""

from __future__ import annotations

import codecs
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serviceexecution.builder.failures.errors import BuildError, Reason

REQUIREMENTS: Final = "requirements.txt"
PACKAGE: Final = "user_code"
"""The project as a Python package, as entry points name it."""
LIBRARIES: Final = ("qhub-commons", "planqk-commons")
_MODULES: Final = {"qhub": "qhub-commons", "planqk": "planqk-commons"}
_IMPORT: Final = re.compile(
    rb"^[ \t]*(?:from[ \t]+(qhub|planqk)[ \t]*\.[ \t]*commons\b"
    rb"|from[ \t]+(qhub|planqk)[ \t]+import\b[^#\n]*\bcommons\b"
    rb"|import[ \t]+[^#\n]*?\b(qhub|planqk)[ \t]*\.[ \t]*commons\b)",
    re.MULTILINE,
)
_NAME: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*(?:$|[;@=<>!~(\s])")
_INCLUDE: Final = re.compile(r"(?:-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?=[^\s-]))(\S.*)")
_CONTINUED: Final = re.compile(r"^(?![ \t]*#)(.*)\\\r?\n", re.MULTILINE)
"""A line that goes on in the next one: a comment does not."""
_INDEX: Final = re.compile(r"-(?:i|-index-url)\b")
# What is included from elsewhere may name others
_SECOND_INDEX: Final = re.compile(
    r"--extra-index-url\b|(?:-f|--find-links)\b|(?:-r|--requirement|-c|--constraint)[\s=]*\w+://"
)
_LOCAL: Final = re.compile(
    r"(?:-e|--editable|-f|--find-links)\b|[./]|file:|\S+\.(?:whl|zip|tar\.gz|tar\.bz2)(?:\s|$)"
    r"|(?!\S*://)\S+/"  # A folder: what comes from elsewhere says how
    r"|\S+\s*(?:\[[^]]*\])?\s*@\s*(?:file:|[./]|[\w.-]+/)"
)
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LARGEST_FILE: Final = 1024 * 1024
_MOST_FILES: Final = 5000
_MOST_REQUIREMENT_FILES: Final = 32


@dataclass(frozen=True, slots=True)
class PythonProject:
    """What the Dockerfile depends on."""

    requirement_files: tuple[str, ...]
    """requirements.txt and the files that it includes, relative to the project."""
    needs_project: bool
    """Whether requirements name files of the project, so that it must be there before they are installed."""
    libraries: tuple[str, ...]
    """Packages to install beside the requirements."""
    one_index: bool = True
    """Whether all packages come from one index, as far as the project says."""


def look_at(project: Path, entry_point: str) -> PythonProject:
    """Look; raises BuildError (SourceInvalid, EntryPointMissing) for a project that cannot be built."""
    if not (project / REQUIREMENTS).is_file():
        raise BuildError(
            Reason.SOURCE_INVALID,
            f"The project has no {REQUIREMENTS}{_elsewhere(project, REQUIREMENTS)}; an empty one is enough.",
        )
    _check_entry_point(project, entry_point)
    requirements = _read_requirements(project)
    named = requirements.names & set(LIBRARIES)
    libraries = () if named else _imported_libraries(project) or (LIBRARIES[0],)
    one_index = requirements.one_index and not _has_uv_settings(project)
    return PythonProject(tuple(requirements.files), requirements.local, libraries, one_index)


def _has_uv_settings(project: Path) -> bool:
    try:
        with (project / "pyproject.toml").open("rb") as file:
            settings = b"tool.uv" in file.read(_LARGEST_FILE)
    except OSError:
        settings = False
    return settings or (project / "uv.toml").exists()


def _check_entry_point(project: Path, entry_point: str) -> None:
    module = entry_point.partition(":")[0].split(".")
    if module[0] != PACKAGE:
        return  # Of an installed package: the check of the built image tells
    path = "/".join(module[1:])
    if path and ((project / f"{path}.py").is_file() or (project / path / "__init__.py").is_file()):
        return
    if not path and (project / "__init__.py").is_file():
        return
    file = f"{path}.py" if path else "__init__.py"
    raise BuildError(
        Reason.ENTRY_POINT_MISSING,
        f"The project has no {file}{_elsewhere(project, file)}, which the entry point {entry_point} names.",
    )


def _elsewhere(project: Path, file: str) -> str:
    """Word where the file is instead: archives are often made of the folder, not of what is in it."""
    folders = sorted(one.name for one in project.iterdir() if one.is_dir() and (one / file).is_file())
    return f" at its root, but {folders[0]}/ has (spec.source.subPath names a folder)" if folders else ""


@dataclass(frozen=True, slots=True)
class _Requirements:
    files: list[str]
    names: set[str]
    local: bool
    one_index: bool


def _read_requirements(project: Path) -> _Requirements:
    files, names, local = [REQUIREMENTS], set(), False
    indexes: set[str] = set()
    for file in files:  # Grows while it is walked
        for line in _requirement_lines(project / file):
            if _INDEX.match(line):
                indexes.add(line)
            if _SECOND_INDEX.match(line):
                indexes |= {line, ""}  # The default one is asked beside it
            if found := _INCLUDE.match(line):
                named = _first_word(found.group(1))
                included = os.path.normpath(os.path.join(os.path.dirname(file), named))  # noqa: PTH118, PTH120
                inside = not included.startswith(("/", ".."))
                if inside and (project / included).is_file() and included not in files:
                    if len(files) < _MOST_REQUIREMENT_FILES:
                        files.append(included)
                    else:
                        local = True
            elif _LOCAL.match(line):
                local = True
            elif found := _NAME.match(line):
                names.add(re.sub(r"[-_.]+", "-", found.group(1)).lower())
    return _Requirements(files, names, local, len(indexes) < 2)


def _first_word(text: str) -> str:
    """Return a file's name, which may be quoted as in a shell, or hold blanks behind backslashes."""
    try:
        return next(iter(shlex.split(text)), "")
    except ValueError:  # A quote that is not closed
        return text


def _decoded(data: bytes) -> str:
    """Return a requirements file's text as pip and uv read it: PowerShell writes UTF-16, and byte order marks."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return data.decode("utf-8", "replace")


def _requirement_lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        text = _decoded(file.read(_LARGEST_FILE))
    for line in _CONTINUED.sub(r"\1 ", text).splitlines():
        stripped = re.sub(r"(^|\s)#.*$", "", line).strip()
        if stripped:
            yield stripped


def _imported_libraries(project: Path) -> tuple[str, ...]:
    found = set()
    for path in _python_files(project):
        with path.open("rb") as file:
            for groups in _IMPORT.findall(file.read(_LARGEST_FILE)):
                found |= {_MODULES[module.decode()] for module in groups if module}
    return tuple(library for library in LIBRARIES if library in found)


def _python_files(project: Path) -> Iterator[Path]:
    count = 0
    for directory, folders, names in os.walk(project):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(directory, name)
            if name.endswith(".py") and path.is_file() and not path.is_symlink():
                count += 1
                if count > _MOST_FILES:
                    return
                yield path
