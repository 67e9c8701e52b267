"""The field reference in docs/resource.md, from the CRD: one row per field, in the order of the models."""

from collections.abc import Iterator
from typing import Final, cast

from serviceexecution.contract.durations import DURATION_PATTERN
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.crd import MUTABLE_FIELDS, service_execution_crd
from tools.markdown import replace_parts, table

PAGE: Final = "docs/resource.md"


def replace_reference(text: str) -> str:
    """Return the page with fresh tables; raises GenerationError."""
    return replace_parts(PAGE, text, {part: _fields(part) for part in ("spec", "status")})


def _fields(part: str) -> str:
    crd = service_execution_crd()
    (version,) = cast("list[JsonObject]", cast("JsonObject", crd["spec"])["versions"])
    schema = cast("JsonObject", cast("JsonObject", version["schema"])["openAPIV3Schema"])
    root = cast("dict[str, JsonObject]", schema["properties"])[part]
    rows = []
    for path, node, required in _walk(root, ""):
        notes = " Required." if required else ""
        if part == "spec" and path in MUTABLE_FIELDS:
            notes += " May be changed later."
        rows.append((f"`{path}`", _type(node), f"{node.get('description', '')}{notes}"))
    return table(("Field", "Type", "Meaning"), rows)


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
    if node.get("x-kubernetes-int-or-string"):
        return "quantity"
    choices = node.get("enum")
    if isinstance(choices, list):
        return " or ".join(f"`{choice}`" for choice in choices)
    if DURATION_PATTERN in str(node.get("x-kubernetes-validations")):
        return "duration"
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
