"""Reads a chart's values.yaml with its comments.

``# -- text`` above a key describes it, as helm-docs has it; ``# @schema {…}`` narrows what it may be. A mapping
without description is a section: its keys are described one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import yaml

from serviceexecution.contract.json_types import JsonObject, JsonValue

_DESCRIPTION: Final = "# -- "
_SCHEMA: Final = "# @schema "


class ValuesError(ValueError):
    """values.yaml lacks a comment, or has one that cannot be read."""


@dataclass(frozen=True, slots=True)
class Value:
    """One key. ``path`` is dotted; a section has ``children`` and no ``description``."""

    path: str
    default: JsonValue
    description: str = ""
    rules: JsonObject = field(default_factory=dict)
    """What ``# @schema`` says."""
    children: tuple["Value", ...] = ()

    @property
    def name(self) -> str:
        """Return the key without its section."""
        return self.path.rpartition(".")[2]


def parse_values(text: str) -> tuple[Value, ...]:
    """Return the top-level keys of a values.yaml, in its order. Raises ValuesError."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise ValuesError("must be a mapping")
    return _section(root, "", text.splitlines())


def _section(node: yaml.MappingNode, prefix: str, lines: Sequence[str]) -> tuple[Value, ...]:
    return tuple(_value(key, value, prefix, lines) for key, value in node.value)


def _value(key: yaml.ScalarNode, node: yaml.Node, prefix: str, lines: Sequence[str]) -> Value:
    path = f"{prefix}{key.value}"
    description, rules = _comments(_lines_above(lines, key.start_mark.line), path)
    default = cast("JsonValue", yaml.safe_load(yaml.serialize(node)))
    if description:
        return Value(path, default, description, rules)
    if isinstance(node, yaml.MappingNode) and node.value and not rules:
        return Value(path, default, children=_section(node, f"{path}.", lines))
    raise ValuesError(f"{path} has no description: put '{_DESCRIPTION}…' above it")


def _lines_above(lines: Sequence[str], index: int) -> list[str]:
    found: list[str] = []
    while index > 0 and lines[index - 1].lstrip().startswith("#"):
        index -= 1
        found.insert(0, lines[index].strip())
    return found


def _comments(lines: Sequence[str], path: str) -> tuple[str, JsonObject]:
    words: list[str] = []
    rules: JsonObject = {}
    for line in lines:
        if line.startswith(_SCHEMA):
            rules |= _rules(line.removeprefix(_SCHEMA), path)
        elif line.startswith(_DESCRIPTION):
            words = [line.removeprefix(_DESCRIPTION)]
        elif words:
            words.append(line.removeprefix("#").strip())
    return " ".join(words), rules


def _rules(text: str, path: str) -> JsonObject:
    try:
        rules = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValuesError(f"{path}: '{_SCHEMA.strip()}' is not YAML: {error}") from error
    if not isinstance(rules, dict):
        raise ValuesError(f"{path}: '{_SCHEMA.strip()}' must be a mapping")
    return cast("JsonObject", rules)
