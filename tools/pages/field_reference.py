"""The field references in docs/resource.md, from the CRDs: one row per field, in the order of the models.

Of a ServiceDefinition's spec only what differs from an execution's is listed.
"""

from collections.abc import Collection, Iterator
from typing import Final, cast

from serviceexecution.contract.durations import DURATION_PATTERN
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.crds.definitions import (
    MUTABLE_FIELDS,
    data_pool_crd,
    service_definition_crd,
    service_execution_crd,
)
from tools.pages.markdown import replace_parts, table

PAGE: Final = "docs/resource.md"


def replace_reference(text: str) -> str:
    """Return the page with fresh tables; raises GenerationError."""
    execution, definition, pool = service_execution_crd(), service_definition_crd(), data_pool_crd()
    shared = _rows(execution, "spec", frozenset())
    own = [row for row in _rows(definition, "spec", frozenset()) if row not in shared]
    parts = {
        "spec": _rows(execution, "spec", MUTABLE_FIELDS),
        "status": _rows(execution, "status", frozenset()),
        "service spec": own,
        "service status": _rows(definition, "status", frozenset()),
        "pool spec": _rows(pool, "spec", frozenset()),
        "pool status": _rows(pool, "status", frozenset()),
    }
    head = ("Field", "Type", "Meaning")
    return replace_parts(PAGE, text, {part: table(head, rows) for part, rows in parts.items()})


def _rows(crd: JsonObject, part: str, mutable: Collection[str]) -> list[tuple[str, str, str]]:
    (version,) = cast("list[JsonObject]", cast("JsonObject", crd["spec"])["versions"])
    schema = cast("JsonObject", cast("JsonObject", version["schema"])["openAPIV3Schema"])
    root = cast("dict[str, JsonObject]", schema["properties"])[part]
    rows = []
    for path, node, required in _walk(root, ""):
        notes = " Required." if required else ""
        if path in mutable:
            notes += " May be changed later."
        rows.append((f"`{path}`", _type(node), f"{node.get('description', '')}{notes}"))
    return rows


def _walk(node: JsonObject, path: str) -> Iterator[tuple[str, JsonObject, bool]]:
    required = cast("list[str]", node.get("required", []))
    for name, child in cast("dict[str, JsonObject]", node.get("properties", {})).items():
        here = f"{path}.{name}" if path else name
        yield here, child, name in required
        items, values = child.get("items"), child.get("additionalProperties")
        if isinstance(items, dict):
            yield from _walk(items, f"{here}[]")
        elif isinstance(values, dict):
            yield from _walk(values, f"{here}.<name>")
        else:
            yield from _walk(child, here)


def _type(node: JsonObject) -> str:
    items, values = node.get("items"), node.get("additionalProperties")
    if isinstance(items, dict):
        return f"list of {_type(items)}"
    if isinstance(values, dict):
        return f"map to {_type(values)}"
    choices = node.get("enum")
    if isinstance(choices, list):
        return " or ".join(f"`{choice}`" for choice in choices)
    if DURATION_PATTERN in str(node.get("x-kubernetes-validations")):
        return "duration"
    if node.get("x-kubernetes-int-or-string"):
        return "quantity"
    if node.get("format") == "date-time":
        return "time"
    kind = str(node.get("type"))
    if kind == "object" and node.get("x-kubernetes-preserve-unknown-fields"):
        return "any object"
    return f"{kind}{_bounds(node)}"


def _bounds(node: JsonObject) -> str:
    if (most := node.get("maximum")) is not None:
        return f", {node.get('minimum', 0)} to {most}"
    if (length := node.get("maxLength")) is not None:
        return f", ≤ {length} characters"
    return ""
