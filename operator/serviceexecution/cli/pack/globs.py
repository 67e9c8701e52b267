"""Patterns of file names as regular expressions, in Docker's and in Git's reading. Pure.

No library reads both: Docker's ``.dockerignore`` looks like Git's file and means something else.
"""

import re
from typing import Final

from serviceexecution.cli.errors import CommandError

_CLASS: Final = re.compile(r"\[[!^]?\]?(?:\\.|\[:[a-z]+:\]|[^\]\\])*\]")
_POSIX: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "digit": "0-9",
    "lower": "a-z",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


def docker_regex(pattern: str, *, source: str) -> re.Pattern[str]:
    """Return what a pattern of a ``.dockerignore`` matches: whole paths from the root of the context.

    Source: moby/patternmatcher. ``*`` and ``?`` stop at slashes, ``**`` is any number of folders, none too.
    ``source`` names file and line for the CommandError that a broken pattern raises.
    """
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("**", at):
            at += 3 if pattern.startswith("**/", at) else 2
            parts.append(".*" if at >= len(pattern) else "(?:.*/)?")
            continue
        piece, at = _piece(pattern, at, negations="^")
        parts.append(piece)
    return _compiled("".join(parts), pattern, source)


def git_regex(pattern: str, *, source: str) -> re.Pattern[str] | None:
    """Return what a pattern of a ``.gitignore`` matches: paths from the file's folder, without its trailing slash.

    Source: gitignore(5). A pattern without a slash in it matches at any depth. None for one that Git takes for broken:
    it matches nothing.
    """
    anchored = "/" in pattern
    pattern = pattern.removeprefix("/")
    parts = [] if anchored else ["(?:.*/)?"]
    at = 0
    while at < len(pattern):
        start_of_name = at == 0 or pattern[at - 1] == "/"
        if start_of_name and pattern.startswith("**/", at):
            parts.append("(?:.*/)?")
            at += 3
        elif start_of_name and pattern[at:] == "**":
            parts.append(".+")
            at += 2
        elif pattern[at] == "[" and _CLASS.match(pattern, at) is None:
            return None
        else:
            piece, at = _piece(pattern, at, negations="!^")
            parts.append(piece)
    if pattern.endswith("\\") and (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        return None
    return _compiled("".join(parts), pattern, source)


def _piece(pattern: str, at: int, *, negations: str) -> tuple[str, int]:
    """Return the expression for one element of a pattern and where the next begins."""
    character = pattern[at]
    if character == "*":
        end = at
        while end < len(pattern) and pattern[end] == "*":
            end += 1
        return "[^/]*", end
    if character == "?":
        return "[^/]", at + 1
    if character == "\\" and at + 1 < len(pattern):
        return re.escape(pattern[at + 1]), at + 2
    found = _CLASS.match(pattern, at) if character == "[" else None
    if found is not None:
        return _class(found[0], negations), found.end()
    return re.escape(character), at + 1


def _class(text: str, negations: str) -> str:
    body = text[1:-1]
    negated = body[0] in negations
    body = body[1:] if negated else body
    body = re.sub(r"\[:([a-z]+):\]", lambda found: _POSIX.get(found[1], ""), body)
    body = re.sub(r"(?<!\\)([\[\]&~|^])", r"\\\1", body)
    return f"(?!/)[{'^' if negated else ''}{body}]"


def _compiled(expression: str, pattern: str, source: str) -> re.Pattern[str]:
    try:
        return re.compile(rf"{expression}\Z", re.DOTALL)
    except re.error:
        raise CommandError(f"{source}: the pattern {pattern!r} is broken; correct it.") from None
