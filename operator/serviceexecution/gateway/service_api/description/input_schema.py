"""The schema of a POST's body: the service's own, and what the platform adds to it. Pure."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.service_api.description.schema_places import placed

_DESCRIPTION: Final = (
    "One property for each parameter. $secrets holds texts that only the program sees, "
    '$tags labels; {"id": …, "ref": "DATAPOOL"} stands for a data pool.'
)
_ID: Final = "input"
_CLOSED: Final = ("additionalProperties", "unevaluatedProperties")


def input_body(own: JsonObject | None, pointer: str = "#") -> JsonObject:
    """Return the schema of the body; ``own`` is the service's, None when it has none, ``pointer`` where it will stand.

    ``x-secrets`` in it, as builds make it from a signature, names what ``$secrets`` should hold.
    """
    added: JsonObject = {
        "$secrets": _secrets(None if own is None else own.get("x-secrets")),
        "$tags": {"type": "array", "maxItems": 64, "items": {"type": "string", "maxLength": 256}},
    }
    if own is None:
        return {"type": "object", "description": _DESCRIPTION, "properties": added}
    if any(own.get(keyword, True) is not True for keyword in _CLOSED):
        # It might refuse what stands beside it, so that goes into it
        properties = own.get("properties")
        whole = {**own, "properties": {**(properties if isinstance(properties, dict) else {}), **added}}
        return placed(whole, pointer, identifier=_ID)
    part = placed(own, f"{pointer}/allOf/0", identifier=_ID)
    return {"type": "object", "description": _DESCRIPTION, "properties": added, "allOf": [part]}


def _secrets(wanted: JsonValue) -> JsonObject:
    schema: JsonObject = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
    properties: JsonObject = {}
    for entry in wanted if isinstance(wanted, list) else []:
        name = entry.get("name") if isinstance(entry, dict) else entry
        if isinstance(name, str):
            needed = not isinstance(entry, dict) or entry.get("required") is not False
            text = "The program needs it, unless the service has it already." if needed else "Optional."
            properties[name] = {"type": "string", "description": text}
    return {**schema, "properties": properties} if properties else schema
