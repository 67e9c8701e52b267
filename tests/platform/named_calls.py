"""Which calls of the platform's clients the tests here make, and whether with the asynchronous client as well."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_HERE: Final = "tests.platform."
_BOTH: Final = "asynchronous"
"""Argument of a test that is run with the usual and with the asynchronous client."""


@dataclass(slots=True)
class _Part:
    """A function of a module, or a list of some, as far as it is read."""

    names: set[str] = field(default_factory=set)
    """Its arguments, and the names and attributes that stand in it."""
    arguments: set[str] = field(default_factory=set)
    both: bool = False
    """Whether it makes tests run with both clients: a test by its parameters, or a fixture."""


def calls_with_tests(module: Path) -> tuple[set[str], set[str]]:
    """Return the names in the module's tests, and those in tests that are run with both clients.

    What a test names counts as its own: fixtures, functions and lists of the module, and of those that it imports here.
    """
    parts = {"platform": _Part(both=True), **_parts(module)}
    every: set[str] = set()
    both: set[str] = set()
    for name in parts:
        if name.startswith("test_"):
            names = _whole(name, parts, set())
            every |= names
            both |= names if _is_for_both(name, parts) else set()
    return every, both


def _parts(module: Path) -> dict[str, _Part]:
    found: dict[str, _Part] = {}
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_HERE):
            found |= _parts(module.parent / f"{str(node.module).removeprefix(_HERE)}.py")
        elif isinstance(node, ast.FunctionDef):
            arguments = {one.arg for one in node.args.args}
            has_params = "params=" in "".join(map(ast.unparse, node.decorator_list))
            found[node.name] = _Part(
                {*_names(node), *arguments}, arguments, both=has_params or _BOTH in arguments
            )
        elif isinstance(node, ast.Assign):
            found |= {one.id: _Part({*_names(node)}) for one in node.targets if isinstance(one, ast.Name)}
        elif isinstance(node, ast.ClassDef):
            found[node.name] = _Part({*_names(node)})
    return found


def _names(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute):
            yield one.attr
        elif isinstance(one, ast.Name):
            yield one.id


def _whole(name: str, parts: dict[str, _Part], seen: set[str]) -> set[str]:
    own = parts[name].names
    whole = {*own}
    seen.add(name)
    for other in own & parts.keys():
        if other not in seen:
            whole |= _whole(other, parts, seen)
    return whole


def _is_for_both(name: str, parts: dict[str, _Part]) -> bool:
    part = parts[name]
    return part.both or any(_is_for_both(one, parts) for one in part.arguments & parts.keys() - {name})
