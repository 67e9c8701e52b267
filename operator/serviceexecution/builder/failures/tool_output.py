"""What BuildKit's and buildah's output says of the instruction that failed, before anybody judges it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_SOLVE: Final = re.compile(r"(?:error|ERROR): (?:failed to solve: )?(?P<error>.+)")
_HEADER: Final = re.compile(r" > \[(?P<name>[^]]*)\] ?(?P<step>.*?):?")
_PLACE: Final = re.compile(r"\S.*:(?P<line>\d+)")
_MARKED: Final = re.compile(r"\s*(?P<line>\d+) \| >>> (?P<text>.*)")
_STAMP: Final = re.compile(r"^\d+\.\d+ ?")
_VERTEX_ERROR: Final = re.compile(r"#(?P<number>\d+) ERROR: ")
_VERTEX_NAME: Final = re.compile(r"\[(?P<name>[^]]*)\] (?P<step>.*)")
_RULE: Final = "------"
_EXIT_CODE: Final = re.compile(r"(?:exit code: |exit status )(\d+)")

_BUILDAH_ERROR: Final = re.compile(r"Error: (?P<error>.+)")
_BUILDAH_STEP: Final = re.compile(r"(?:\[\d+/\d+\] )?STEP \d+(?:/\d+)?: (?P<step>.*)")
_BUILDAH_NOISE: Final = re.compile(
    r"subprocess exited with status \d+$|time=\"[^\"]*\" level=|Trying to pull |Getting image source signatures$"
    r"|Copying (blob|config) sha256:|Writing manifest to |Storing signatures$|--> "
)


@dataclass(frozen=True, slots=True)
class ToolFailure:
    """``step``: the instruction; ``line``: its number in the Dockerfile, 0 where it is not known; ``error``: what the
    tool says; ``printed``: what the instruction's own program printed last; ``exit_code``: of that program."""

    step: str
    line: int
    error: str
    printed: tuple[str, ...]
    exit_code: int | None


def buildkit_failure(lines: Sequence[str]) -> ToolFailure:
    """Read BuildKit's plain progress: blocks of a failed step, the part of the Dockerfile, the error."""
    error, end = "", len(lines)
    for number in range(len(lines) - 1, -1, -1):
        if found := _SOLVE.fullmatch(lines[number]):
            error, end = found.group("error"), number
            break
    step, printed = _last_vertex(lines[:end]) or _last_block(lines[:end]) or ("", ())
    marked = [found for found in map(_MARKED.fullmatch, lines[:end]) if found]
    line = int(marked[0].group("line")) if marked else _parse_error_line(error)
    if marked and not step:
        step = " ".join(found.group("text").rstrip("\\").strip() for found in marked)
    return ToolFailure(step, line, error or _last(lines), printed, _exit_code(error))


def _last_vertex(lines: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return step and printed lines of the last instruction that failed, None where only others did."""
    failed = [found.group("number") for found in map(_VERTEX_ERROR.match, lines) if found]
    for number in reversed(failed):
        own = [line.removeprefix(f"#{number} ") for line in lines if line.startswith(f"#{number} ")]
        found = _VERTEX_NAME.fullmatch(own[0])
        if found and not found.group("name").startswith("internal"):
            printed = tuple(_STAMP.sub("", line) for line in own if _STAMP.match(line))
            return found.group("step"), printed
    return None


def _last_block(lines: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return step and printed lines of the last block; of long output it has only the end."""
    rules = [number for number, line in enumerate(lines) if line == _RULE]
    for start, end in reversed(list(pairwise(rules))):
        found = _HEADER.fullmatch(lines[start + 1]) if end > start + 1 else None
        if found and not found.group("name").startswith("internal"):
            return found.group("step"), tuple(_STAMP.sub("", line) for line in lines[start + 2 : end])
    return None


def _parse_error_line(error: str) -> int:
    found = re.search(r"parse error on line (\d+)", error)
    return int(found.group(1)) if found else 0


def buildah_failure(lines: Sequence[str], dockerfile: str) -> ToolFailure:
    """Read buildah's output. It names no lines, so that the instruction is looked for in the Dockerfile's text."""
    error, end = "", len(lines)
    for number in range(len(lines) - 1, -1, -1):
        if found := _BUILDAH_ERROR.fullmatch(lines[number]):
            error, end = found.group("error"), number
            break
    step, start = "", -1
    for number in range(end - 1, -1, -1):
        if found := _BUILDAH_STEP.fullmatch(lines[number]):
            step, start = found.group("step"), number
            break
    printed = tuple(line for line in lines[start + 1 : end] if start >= 0 and not _BUILDAH_NOISE.match(line))
    return ToolFailure(step, _line_of(step, dockerfile), error or _last(lines), printed, _exit_code(error))


def _line_of(step: str, dockerfile: str) -> int:
    words = step.split()
    for number, line in enumerate(dockerfile.splitlines(), 1):
        if (
            words
            and line.rstrip("\\").split() == words[: len(line.rstrip("\\").split())]
            and line.split()[:1] == words[:1]
        ):
            return number
    return 0


def _exit_code(error: str) -> int | None:
    found = _EXIT_CODE.search(error)
    return int(found.group(1)) if found else None


def _last(lines: Sequence[str]) -> str:
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
