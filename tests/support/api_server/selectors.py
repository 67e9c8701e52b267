"""Label and field selectors, in the forms that our programs send."""

import re
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue

_COMMA: Final = re.compile(r",(?![^(]*\))")
"""A comma between two terms, not between the values of a set."""
_SET: Final = re.compile(r"(?P<name>\S+) in \((?P<values>[^)]*)\)")


def is_selected(body: JsonObject, labels: str | None, fields: str | None) -> bool:
    """Tell whether both selectors choose the object."""
    return has_labels(body, labels) and has_fields(body, fields)


def has_labels(body: JsonObject, selector: str | None) -> bool:
    """Tell whether the label selector chooses the object: ``a``, ``!a``, ``a=b``, ``a!=b`` and ``a in (b,c)``."""
    metadata = body["metadata"]
    found = metadata.get("labels") if isinstance(metadata, dict) else None
    labels = found if isinstance(found, dict) else {}
    return all(_holds(labels, term) for term in _terms(selector))


def has_fields(body: JsonObject, selector: str | None) -> bool:
    """Tell whether the field selector chooses the object: ``a.b=c`` and ``a.b!=c``, with commas."""
    for term in _terms(selector):
        path, unequal, wanted = _parts(term)
        value: JsonValue = body
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if (("" if value is None else str(value)) == wanted) == unequal:
            return False
    return True


def _holds(labels: JsonObject, term: str) -> bool:
    among = _SET.fullmatch(term)
    if among is not None:
        return labels.get(among["name"]) in among["values"].split(",")
    if "=" not in term:
        return (term.removeprefix("!") in labels) != term.startswith("!")
    name, unequal, wanted = _parts(term)
    return (labels.get(name) == wanted) != unequal


def _parts(term: str) -> tuple[str, bool, str]:
    name, _, value = term.partition("=")
    return name.removesuffix("!"), name.endswith("!"), value.removeprefix("=")


def _terms(selector: str | None) -> list[str]:
    return [term.strip() for term in _COMMA.split(selector)] if selector else []
