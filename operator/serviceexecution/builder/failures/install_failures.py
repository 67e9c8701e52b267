"""From uv's output to a reason and one sentence: what is wrong with a project's requirements. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from serviceexecution.builder.failures.errors import Reason

_LONGEST: Final = 600
# What uv puts before its lines, by version and terminal
_DECORATION: Final = re.compile(r"^\s*(?:[\u00d7╰─▶├│]+\s*|error:\s*|cause:\s*|Caused by:\s*)+")
_NO_PACKAGE: Final = re.compile(
    r"\b(?P<name>[A-Za-z0-9][\w.-]*) was not found in the (package registry|cache|provided package locations)"
)
_NO_VERSION: Final = re.compile(
    r"(?:there is no version of|there are no versions of|no versions? of) "
    r"(?P<name>[A-Za-z0-9][\w.\[\],-]*)(?P<versions>[=<>!~][^ ]*)?"
)
_ONLY_OLDER: Final = re.compile(r"only (?P<name>[A-Za-z0-9][\w.-]*)(?P<versions>[=<>!~]\S*) is available")
_NO_WHEEL: Final = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(?P<versions>[=<>!~]\S*)? has no (usable wheels|wheels with a matching)"
)
_PYTHON: Final = re.compile(
    r"current Python version \((?P<python>[\d.]+)\) does not satisfy (?:all of: )?(?P<wanted>Python\S+)"
)
_DEPENDENT: Final = re.compile(
    r"(?:because|and) (?:all versions of )?(?P<name>[A-Za-z0-9]\S*) depends? on (?:one of: )?Python"
)
_CONCLUSION: Final = re.compile(r",? we can conclude that .*?(?=\. And because |\.$|$)")
_PARSE: Final = re.compile(r"Couldn't parse requirement in `?(?P<file>[^`]+)`? at position \d+")
_INCLUDED: Final = re.compile(r"failed to read from file `(?P<file>[^`]+)`")
_LOCAL: Final = re.compile(r"Distribution not found at: (?P<file>\S+)")
_BUILD: Final = re.compile(
    r"Failed to (?:build|download and build) `(?P<name>[^`]+)`|Call to `\S+` failed|The build backend returned an error"
)
_FETCH: Final = re.compile(
    r"Failed to fetch:? `?(?P<url>[^`\s]+)|error sending request for url \((?P<other>[^)]+)\)"
)
_HINT: Final = re.compile(r"hint: (An index URL .* could not be queried .*)")
_HINT_BEGINS: Final = re.compile(r"^\s*(?:[\u00d7╰─▶├│]+\s*)*(?:hint|help):")
_CAUSE: Final = re.compile(r"^\s*(?:[╰─▶├│]+|cause:|Caused by:)")
_FIRST_INDEX: Final = re.compile(
    r"`(?P<name>[^`]+)` was found on (?P<url>\S+), but not at the requested version"
)
_HASH: Final = re.compile(
    r"Hash mismatch for `(?P<name>[^`]+)` Expected: (?P<expected>(?:\S+:[0-9a-f]+ ?)+)Computed: (?P<found>\S+)"
)
_COMPILER: Final = re.compile(
    r"command '(?P<name>[^']*(?:cc|c\+\+|g\+\+|clang|gfortran|cmake|rustc|cargo)[^']*)' failed: No such file"
    r"|(?P<other>cargo|rustc|cmake|gcc|gfortran)(?::|, the Rust package manager, is)? "
    r"(?:command )?not (?:found|installed)"
)
_FULL: Final = re.compile(r"No space left on device|os error 28\b")
_NO_GIT: Final = re.compile(r"Git executable not found")
_GIT: Final = re.compile(r"Failed to download and build `(?P<name>[^`]+)` Git operation failed")
_GONE: Final = re.compile(r"Failed to fetch:? `?(?P<url>[^`\s]+)`? .*\(404 Not Found\)")
PIP_TRIES: Final = "serviceexecution: uv could not install the requirements; now pip tries."
"""What stands in the log between uv's output and pip's, as launcher/pip_install.py prints it."""
_OURS: Final = "serviceexecution: "
_HOME: Final = "/app/user_code/"
_CREDENTIALS: Final = re.compile(r"(://)[^/@\s]+@")


def install_failure(lines: Sequence[str]) -> tuple[Reason, str] | None:
    """Return reason and sentence, None when the lines are not uv's.

    What pip printed after uv is in the log: uv's words are better, and pip has failed by the same cause or a later one.
    """
    lines, with_pip = _of_uv(lines)
    start = next((number for number, line in enumerate(lines) if _is_error(line)), None)
    if start is None:
        return None
    said, hints = _parted(lines[start:])
    words = [_DECORATION.sub("", line).strip() for line in said]
    text = " ".join(word for word in words if word)
    hint = " ".join(" ".join(hints).split())
    reason, sentence = _unsolvable(text, hint) if "No solution found" in text else _other(words, text)
    return reason, f"{sentence} pip could not install them either." if with_pip else sentence


def without_hints(lines: Sequence[str]) -> list[str]:
    """Return the lines without uv's hints, which may be all that is left of a long output."""
    return _parted(lines)[0]


def _of_uv(lines: Sequence[str]) -> tuple[Sequence[str], bool]:
    """Return what uv printed, and whether pip was tried afterwards."""
    for number, line in enumerate(lines):
        if line.startswith(_OURS):
            return lines[:number], line == PIP_TRIES
    return lines, False


def _parted(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what is said, and the hints. A hint may be several lines, and ends where an error begins."""
    said: list[str] = []
    hints: list[str] = []
    hinting = False
    for line in lines:
        if _HINT_BEGINS.match(line):
            hinting = True
        elif _is_error(line) or _CAUSE.match(line):
            hinting = False
        (hints if hinting else said).append(line)
    return said, hints


def _is_error(line: str) -> bool:
    return line.lstrip().startswith(("error:", "\u00d7", "Error:"))


def _unsolvable(text: str, hint: str) -> tuple[Reason, str]:
    reason, sentence = _unsolved(text, hint)
    if (first := _FIRST_INDEX.search(hint)) and reason is not Reason.INSTALL_FAILED:
        sentence += (
            f" {first.group('name')} is taken from {_short(first.group('url'))}, the first index that has it. If all"
            " indexes are trusted alike, set spec.runtime.python.indexStrategy to BestMatch."
        )
    return reason, sentence


def _unsolved(text: str, hint: str) -> tuple[Reason, str]:
    why = _explanation(text)
    if found := _HINT.search(hint):
        return (
            Reason.INSTALL_FAILED,
            f"The package index refuses the credentials, or requires some: {_short(found.group(1))}.",
        )
    if found := _PYTHON.search(text):
        package = _DEPENDENT.search(text)
        name = package.group("name") if package else "a requirement"
        return Reason.REQUIREMENTS_CONFLICT, (
            f"{name} needs {found.group('wanted')}, and this image has Python {found.group('python')}: "
            "use another version of it, or of Python (spec.runtime.python.version)."
        )
    for pattern in (_NO_PACKAGE, _NO_VERSION, _ONLY_OLDER, _NO_WHEEL):
        if found := pattern.search(text):
            name = found.group("name").rstrip(",.")
            version = (found.groupdict().get("versions") or "").rstrip(",.")
            chain = f" ({why})" if "depends on" in why else ""
            return Reason.REQUIREMENT_NOT_FOUND, f"{_not_found(pattern, name, version)}{chain}."
    return Reason.REQUIREMENTS_CONFLICT, f"The requirements conflict with each other: {why}."


def _explanation(text: str) -> str:
    """Return uv's chain of causes without what it concludes from each."""
    chain = text.partition("resolving dependencies")[2].lstrip(": ")
    chain = _CONCLUSION.sub("", chain).replace(". And because ", "; ").removeprefix("Because ")
    return _short(chain.replace("you require", "the project requires"))


def _not_found(pattern: re.Pattern[str], name: str, version: str) -> str:
    if pattern is _NO_PACKAGE:
        return f"The requirement {name} does not exist in the package index"
    if pattern is _NO_WHEEL:
        return f"The requirement {name}{version} has no file that fits this Python and machine"
    if pattern is _ONLY_OLDER:
        return f"The requirement {name} is only available as {version}"
    return f"The requirement {name}{version} does not exist in the package index: there is no such version"


def _other(words: Sequence[str], text: str) -> tuple[Reason, str]:
    sentence = _special(words, text)
    return (Reason.INSTALL_FAILED, sentence) if sentence is not None else _usual(words, text)


def _special(words: Sequence[str], text: str) -> str | None:
    if _FULL.search(text):
        return "The build's pod has no space left for the requirements."
    if found := _HASH.search(text):
        return (
            f"{found.group('name')} has another hash than the requirements give: they give"
            f" {_short(found.group('expected'))}, and the index has {found.group('found')}."
        )
    if _NO_GIT.search(text):
        return (
            "The requirements name a Git repository, and the image of the build has no git: name an archive of the"
            " commit, such as https://git.example.com/team/project/archive/COMMIT.tar.gz."
        )
    if found := _GIT.search(text):
        return (
            f"The repository of {_short(found.group('name'))} could not be fetched: {_short(_last(words))}."
        )
    if found := _GONE.search(text):
        return f"The requirements name {_short(found.group('url'))}, which does not exist (404)."
    return None


def _last(words: Sequence[str]) -> str:
    return next((word for word in reversed(words) if word), "")


def _usual(words: Sequence[str], text: str) -> tuple[Reason, str]:
    if found := _PARSE.search(text):
        detail = _short(text[found.end() :])
        return (
            Reason.INSTALL_FAILED,
            f"{_file(found.group('file'))} has a line that is not a requirement: {detail}.",
        )
    if found := _INCLUDED.search(text):
        return (
            Reason.INSTALL_FAILED,
            f"The requirements name {_file(found.group('file'))}, which the project does not have.",
        )
    if found := _LOCAL.search(text):
        return (
            Reason.INSTALL_FAILED,
            f"The requirements name {_file(found.group('file'))}, which the project does not have.",
        )
    if found := _BUILD.search(text):
        name = found.groupdict().get("name") or "a requirement"
        cannot = f"{name} could not be built from its source"
        if tool := _COMPILER.search(text):
            missing = tool.group("name") or tool.group("other")
            return Reason.INSTALL_FAILED, (
                f"{cannot}: it needs {missing}, which the image of the build does not have. Take a version that has a"
                " wheel for this Python, or build the service with a Dockerfile."
            )
        return Reason.INSTALL_FAILED, f"{cannot}: {_short(_last(words))}."
    if found := _FETCH.search(text):
        url = found.group("url") or found.group("other")
        return (
            Reason.INSTALL_FAILED,
            f"{_short(url)} could not be reached while the requirements were installed: {_short(_last(words))}.",
        )
    return (
        Reason.INSTALL_FAILED,
        f"The requirements could not be installed: {_short(text.replace(_HOME, ''))}.",
    )


def _file(name: str) -> str:
    return name.removeprefix("file://").replace(_HOME, "")


def _short(text: str) -> str:
    line = _CREDENTIALS.sub(r"\1", " ".join(text.split())).strip().rstrip(".^ ")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
