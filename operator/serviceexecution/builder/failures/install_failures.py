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
_HOME: Final = "/app/user_code/"
_CREDENTIALS: Final = re.compile(r"(://)[^/@\s]+@")


def install_failure(lines: Sequence[str]) -> tuple[Reason, str] | None:
    """Return reason and sentence, None when the lines are not uv's."""
    start = next((number for number, line in enumerate(lines) if _is_error(line)), None)
    if start is None:
        return None
    words = [_DECORATION.sub("", line).strip() for line in lines[start:]]
    text = " ".join(word for word in words if word)
    return _unsolvable(text) if "No solution found" in text else _other(words, text)


def _is_error(line: str) -> bool:
    return line.lstrip().startswith(("error:", "\u00d7", "Error:"))


def _unsolvable(text: str) -> tuple[Reason, str]:
    why = _explanation(text)
    if found := _HINT.search(text):
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
    chain = text.partition("resolving dependencies")[2].lstrip(": ").partition(" hint: ")[0]
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
        last = next(
            (word for word in reversed(words) if word and not word.startswith(("hint:", "help:"))), ""
        )
        return Reason.INSTALL_FAILED, f"{name} could not be built from its source: {_short(last)}."
    if found := _FETCH.search(text):
        url = found.group("url") or found.group("other")
        cause = next((word for word in reversed(words) if word and not word.startswith("hint:")), "")
        return (
            Reason.INSTALL_FAILED,
            f"{_short(url)} could not be reached while the requirements were installed: {_short(cause)}.",
        )
    return Reason.INSTALL_FAILED, f"The requirements could not be installed: {_short(text)}."


def _file(name: str) -> str:
    return name.removeprefix("file://").replace(_HOME, "")


def _short(text: str) -> str:
    line = _CREDENTIALS.sub(r"\1", " ".join(text.split())).strip().rstrip(".^ ")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
