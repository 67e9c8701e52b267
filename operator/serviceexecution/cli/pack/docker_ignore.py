"""``.dockerignore`` as Docker reads it. Pure."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.pack.globs import docker_regex


@dataclass(frozen=True, slots=True)
class _Rule:
    regex: re.Pattern[str]
    excludes: bool


@dataclass(frozen=True, slots=True)
class DockerIgnore:
    """The rules of one file."""

    rules: tuple[_Rule, ...] = ()

    def excludes(self, path: str) -> bool:
        """Tell whether the file at ``path``, from the context's root, stays out.

        The last rule that matches it or a folder above it decides.
        """
        ancestors = _with_ancestors(path)
        for rule in reversed(self.rules):
            if any(rule.regex.match(part) for part in ancestors):
                return rule.excludes
        return False

    @property
    def may_include_below(self) -> bool:
        """Tell whether something in an excluded folder may come in again."""
        return any(not rule.excludes for rule in self.rules)


def parse_docker_ignore(text: str, *, name: str = ".dockerignore") -> DockerIgnore:
    """Return the rules of a file; raises CommandError with file and line for a broken one."""
    rules: list[_Rule] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        line = raw.strip()
        if raw.startswith("#") or not line:
            continue
        inverted = line.startswith("!")
        pattern = line[1:].strip() if inverted else line
        if not pattern:
            raise CommandError(f"{name}:{number}: there is no pattern after the exclamation mark.")
        pattern = posixpath.normpath(pattern).lstrip("/")
        if pattern in {"", "."}:
            pattern = "**"  # The context itself
        rules.append(_Rule(docker_regex(pattern, source=f"{name}:{number}"), excludes=not inverted))
    return DockerIgnore(tuple(rules))


def _with_ancestors(path: str) -> Sequence[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
