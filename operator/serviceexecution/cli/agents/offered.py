"""Services as tools: names, descriptions and input schemas, in a bounded number of bytes. Pure.

Whoever deploys a service writes its text, and an agent reads all of it before its first call.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from serviceexecution.cli.agents.answers import cut
from serviceexecution.cli.run.schema import input_schema
from serviceexecution.cli.terminal import plain
from serviceexecution.contract.json_types import JsonObject, object_at, object_of, text_at

PREFIX: Final = "run_"
"""No other tool is called so, and no service's name has an underscore."""
MOST_TOOLS: Final = 64
LARGEST_SCHEMA: Final = 16 * 1024
"""Bytes of a schema that is shown with its tool."""
ALL_SCHEMAS: Final = 256 * 1024
LONGEST_DESCRIPTION: Final = 1000
LONGEST_TITLE: Final = 100
_ANYTHING: Final = "Its schema is too large to be shown here: see services_describe."
_SECRETS: Final = "x-secrets"
"""Keyword with names of secrets. They come from the person who starts sx mcp."""


@dataclass(frozen=True, slots=True)
class OfferedService:
    """A service that has a tool of its own."""

    service: str
    title: str
    description: str
    schema: JsonObject
    """JSON Schema of an object."""

    @property
    def tool(self) -> str:
        """Return the tool's name."""
        return PREFIX + self.service


def chosen(definitions: Iterable[JsonObject], only: Collection[str]) -> list[JsonObject]:
    """Return the services that may be seen, by name: all of them when ``only`` names none."""
    found = [one for one in definitions if not only or name_of(one) in only]
    return sorted(found, key=name_of)


def offered(definitions: Iterable[JsonObject]) -> list[OfferedService]:
    """Return the services that have tools: the first ones by name. The others are run by their names."""
    found: list[OfferedService] = []
    left = ALL_SCHEMAS
    for definition in sorted(definitions, key=name_of)[:MOST_TOOLS]:
        schema, size = _shown_schema(definition, min(left, LARGEST_SCHEMA))
        left -= size
        text = description_of(definition)
        found.append(
            OfferedService(
                name_of(definition),
                cut(plain(text_at(definition, "spec", "displayName")), LONGEST_TITLE),
                " ".join(part for part in (text, "" if schema is not None else _ANYTHING) if part)
                or f"Runs the service {name_of(definition)}.",
                schema or {"type": "object"},
            )
        )
    return found


def name_of(definition: JsonObject) -> str:
    """Return the name of a service."""
    return text_at(definition, "metadata", "name")


def description_of(definition: JsonObject) -> str:
    """Return what a service says of itself, as plain text."""
    return cut(plain(text_at(definition, "spec", "description")), LONGEST_DESCRIPTION)


def service_document(definition: JsonObject, tools: Collection[str]) -> JsonObject:
    """Return a service as a list shows it."""
    tool = PREFIX + name_of(definition)
    return {
        "service": name_of(definition),
        "title": cut(plain(text_at(definition, "spec", "displayName")), LONGEST_TITLE) or None,
        "phase": text_at(definition, "status", "phase") or None,
        "tool": tool if tool in tools else None,
    }


def schema_text(definition: JsonObject) -> str | None:
    """Return the schema of a service's input as JSON text without hidden characters; None when it has none.

    What is nested too deep to be written has none either: the gateway still checks inputs by it.
    """
    found = input_schema(definition)
    if found is None:
        return None
    shown = {name: value for name, value in found.items() if name != _SECRETS}
    try:
        return plain(json.dumps(shown, ensure_ascii=False))
    except (RecursionError, ValueError):
        return None


def needed_secrets(definition: JsonObject) -> frozenset[str]:
    """Return the names of all secrets that a service asks for."""
    said = object_of(input_schema(definition)).get(_SECRETS)
    entries = said if isinstance(said, list) else []
    names = (entry.get("name") if isinstance(entry, dict) else entry for entry in entries)
    return frozenset(name for name in names if isinstance(name, str))


def _shown_schema(definition: JsonObject, room: int) -> tuple[JsonObject | None, int]:
    """Return the schema of a tool and its bytes; None when it has no room. An input is always an object."""
    if not object_at(definition, "spec") or input_schema(definition) is None:
        return {"type": "object"}, 0
    text = schema_text(definition)
    if text is None or len(text.encode()) > room:
        return None, 0
    return {**object_of(json.loads(text)), "type": "object"}, len(text.encode())
