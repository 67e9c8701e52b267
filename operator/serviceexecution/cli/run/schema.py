"""As much of a service's input schema as a command line needs: properties, types, what must be there. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from serviceexecution.contract.json_types import JsonObject, JsonValue, object_of, objects_of, text_at

_MOST_PARTS: Final = 500
"""Schemas that are looked at for one place."""
_COMBINED: Final = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True, slots=True)
class Schema:
    """A place in a schema; ``parts`` are all that say something of it. Without any, anything may stand there."""

    root: JsonObject
    parts: tuple[JsonObject, ...]
    needed: tuple[JsonObject, ...] = field(default=())
    """Those of the parts that hold whatever else does: not those below anyOf and oneOf."""

    @classmethod
    def of(cls, root: JsonObject | None) -> Self:
        """Return a whole schema; None is that of anything."""
        root = root or {}
        return cls._combined(root, [root])

    @classmethod
    def _combined(cls, root: JsonObject, found: list[JsonObject]) -> Self:
        parts = list(_parts(root, found))
        return cls(root, tuple(part for part, _ in parts), tuple(part for part, needed in parts if needed))

    def at(self, path: tuple[str, ...]) -> "Schema":
        """Return what is said of a property."""
        if not path:
            return self
        inner = [
            object_of(properties[path[0]])
            for part in self.parts
            if path[0] in (properties := object_of(part.get("properties")))
        ]
        return Schema._combined(self.root, inner).at(path[1:])

    @property
    def properties(self) -> dict[str, JsonObject]:
        """Return the properties by name."""
        return {
            name: object_of(value)
            for part in self.parts
            for name, value in object_of(part.get("properties")).items()
        }

    @property
    def required(self) -> list[str]:
        """Return the names of what must be there, each once."""
        lists = (part.get("required") for part in self.needed)
        names = [name for found in lists if isinstance(found, list) for name in found]
        return list(dict.fromkeys(name for name in names if isinstance(name, str)))

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing but its properties may be there."""
        closed = ("additionalProperties", "unevaluatedProperties")
        return any(part.get(keyword) is False for part in self.needed for keyword in closed)

    @property
    def types(self) -> frozenset[str]:
        """Return the types that a value may have; none means any."""
        found: set[str] = set()
        for part in self.parts:
            said = part.get("type")
            words = said if isinstance(said, list) else [said]
            found |= {word for word in words if isinstance(word, str)}
            found |= {_type_of(choice) for choice in _choices(part)}
        return frozenset(found)

    @property
    def choices(self) -> list[JsonValue]:
        """Return the values that are listed."""
        return [choice for part in self.parts for choice in _choices(part)]

    @property
    def is_base64(self) -> bool:
        """Tell whether it is the text of binary data."""
        return any(part.get("contentEncoding") == "base64" for part in self.parts)

    @property
    def is_data_pool(self) -> bool:
        """Tell whether it names a data pool."""
        reference = self.properties.get("ref", {})
        return "DATAPOOL" in str(reference.get("const") or reference.get("enum") or "") or "[tT]" in str(
            reference.get("pattern") or ""
        )

    @property
    def secrets(self) -> list[str]:
        """Return the names of the secrets that the service needs and may not have itself."""
        said = self.root.get("x-secrets")
        entries = said if isinstance(said, list) else []
        return [
            str(entry.get("name") if isinstance(entry, dict) else entry)
            for entry in entries
            if not isinstance(entry, dict) or entry.get("required") is not False
        ]


def input_schema(definition: JsonObject) -> JsonObject | None:
    """Return the schema of a ServiceDefinition's input, its own or that of what was built; None without one."""
    own = object_of(definition.get("spec")).get("inputSchema")
    if isinstance(own, dict):
        return own
    serving = text_at(definition, "status", "revision")
    for revision in objects_of(object_of(definition.get("status")).get("revisions")):
        found = revision.get("inputSchema")
        if revision.get("name") == serving and isinstance(found, dict):
            return found
    return None


def _parts(root: JsonObject, schemas: list[JsonObject]) -> Iterator[tuple[JsonObject, bool]]:
    """Give each schema that says something of the same place, and whether it must hold; references may go round."""
    waiting = [(schema, True) for schema in reversed(schemas)]
    seen: set[tuple[int, bool]] = set()
    while waiting and len(seen) < _MOST_PARTS:
        schema, needed = waiting.pop()
        if (id(schema), needed) in seen:
            continue
        seen.add((id(schema), needed))
        yield schema, needed
        for keyword in _COMBINED:
            inner = needed and keyword == "allOf"
            waiting += [(one, inner) for one in reversed(objects_of(schema.get(keyword)))]
        target = schema.get("$ref")
        if isinstance(target, str):
            waiting.append((_pointed(root, target), needed))


def _pointed(root: JsonObject, reference: str) -> JsonObject:
    """Return what a reference inside of the document points to, nothing for any other."""
    if not reference.startswith("#"):
        return {}
    at: JsonValue = root
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        at = at.get(name) if isinstance(at, dict) else None
    return object_of(at)


def _choices(part: JsonObject) -> list[JsonValue]:
    listed = part.get("enum")
    constant = [part["const"]] if "const" in part else []
    return (listed if isinstance(listed, list) else []) + constant


def _type_of(value: JsonValue) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case None:
            return "null"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
