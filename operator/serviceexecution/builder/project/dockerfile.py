"""A look at a project's own Dockerfile before anything is built."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serviceexecution.builder.failures.errors import BuildError, Reason

_LARGEST: Final = 1024 * 1024
_HERE_DOCUMENT: Final = re.compile(r"""\s*(?:RUN|COPY|ADD)\b.*(?<!<)<<-?["']?[A-Za-z_]\w*""", re.IGNORECASE)
_SYNTAX: Final = re.compile(r"#\s*syntax\s*=\s*(\S+)\s*", re.IGNORECASE)
_DIRECTIVE: Final = re.compile(r"#\s*[A-Za-z][A-Za-z0-9]*\s*=.*|#!.*")
_BUILT_IN: Final = re.compile(
    r"(docker\.io/)?docker/dockerfile(:1(\.\d+){0,2}|:latest)?(@sha256:[0-9a-f]{64})?"
)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The file that the tool is given, and its text."""

    path: Path
    text: str
    note: str = ""
    """A word for the log."""


def prepare(project: Path, name: str, directory: Path, builder: str) -> Dockerfile:
    """Copy the Dockerfile and its ignore file to ``directory``, checked; raises BuildError: DockerfileMissing,
    DockerfileInvalid."""
    real = os.path.realpath(project / name)
    if not real.startswith(os.path.realpath(project) + os.sep) or not Path(real).is_file():
        raise BuildError(
            Reason.DOCKERFILE_MISSING,
            f"The source has no {name}{_elsewhere(project, name)}: add one, or name it in "
            "spec.runtime.docker.build.dockerfile.",
        )
    with Path(real).open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise BuildError(Reason.DOCKERFILE_INVALID, f"{name} is larger than 1 MiB.")
    text = content.decode("utf-8", "replace")
    if builder == "buildah" and (line := here_document(text)):
        raise BuildError(
            Reason.DOCKERFILE_INVALID,
            f"Line {line} of {name} has a here-document (<<), which buildah does not know. In namespaces that "
            "enforce the Pod Security level restricted, buildah builds: write the commands with && instead.",
            _line(text, line),
        )
    target = directory / "Dockerfile"
    changed, note = without_syntax(text)
    target.write_bytes(content if changed == text else changed.encode())
    ignore = Path(f"{real}.dockerignore")
    if ignore.is_file() and not ignore.is_symlink():
        shutil.copyfile(ignore, f"{target}.dockerignore")
    return Dockerfile(target, changed, note)


def here_document(text: str) -> int:
    """Return the number of the first line with a here-document, 0 where there is none."""
    for number, line in enumerate(text.splitlines(), 1):
        if _HERE_DOCUMENT.match(line):
            return number
    return 0


def without_syntax(text: str) -> tuple[str, str]:
    """Return the text without a directive for a frontend that is built in, and a word on that.

    BuildKit would pull the frontend as an image, which many clusters cannot. The directive stands at the start of the
    file, maybe behind others such as `# check=`.
    """
    lines = text.split("\n")
    for number, line in enumerate(lines):
        bare = line.lstrip("\ufeff").strip()
        if found := _SYNTAX.fullmatch(bare):
            if _BUILT_IN.fullmatch(found.group(1)) is None:
                return text, ""
            lines[number] = "#"
            return "\n".join(lines), f"the built-in frontend is used in place of {found.group(1)}"
        if _DIRECTIVE.fullmatch(bare) is None:
            break
    return text, ""


def _line(text: str, number: int) -> str:
    return text.splitlines()[number - 1].strip()[:500]


def _elsewhere(project: Path, name: str) -> str:
    folders = sorted(one.name for one in project.iterdir() if one.is_dir() and (one / name).is_file())
    return f" at its root, but {folders[0]}/ has (spec.source.subPath names a folder)" if folders else ""
