"""``.gitignore`` as Git reads it, file by file down the tree. Pure.

Of our own: the library pathspec reads ``[[:digit:]]``, ``folder/**`` and ``!folder/`` otherwise than Git does, as the
comparison with ``git check-ignore`` in the tests shows.
"""

import re
from dataclasses import dataclass

from serviceexecution.cli.pack.globs import git_regex


@dataclass(frozen=True, slots=True)
class _Rule:
    regex: re.Pattern[str]
    ignores: bool
    folders_only: bool


@dataclass(frozen=True, slots=True)
class GitIgnore:
    """The rules of one file, for what lies below its folder."""

    rules: tuple[_Rule, ...] = ()

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """Tell whether ``path``, from the file's folder, is ignored; None when no rule names it.

        What lies in an ignored folder is not asked for: nothing in it comes back.
        """
        for rule in reversed(self.rules):
            if (is_folder or not rule.folders_only) and rule.regex.match(path):
                return rule.ignores
        return None


def parse_git_ignore(text: str, *, name: str = ".gitignore") -> GitIgnore:
    """Return the rules of a file; as in Git a broken one matches nothing."""
    rules: list[_Rule] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = _without_trailing_spaces(raw.removesuffix("\r"))
        if not line or line.startswith("#"):
            continue
        inverted = line.startswith("!")
        pattern = line[1:] if inverted else line
        folders_only = pattern.endswith("/")
        pattern = pattern.removesuffix("/")
        regex = git_regex(pattern, source=f"{name}:{number}") if pattern else None
        if regex is not None:
            rules.append(_Rule(regex, ignores=not inverted, folders_only=folders_only))
    return GitIgnore(tuple(rules))


def _without_trailing_spaces(line: str) -> str:
    """Return the line without spaces at its end, but for one that a backslash keeps."""
    stripped = line.rstrip(" ")
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + " " if stripped != line and backslashes % 2 else stripped
