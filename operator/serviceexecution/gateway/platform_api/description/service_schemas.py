"""The schemas of bodies that write services. Pure."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.platform_api.services.managed_bodies import MOST_VARIABLES
from serviceexecution.gateway.platform_api.services.texts import (
    LONGEST_DESCRIPTION,
    LONGEST_DISPLAY_NAME,
    LONGEST_ENTRY,
    LONGEST_SUMMARY,
    MOST_ENTRIES,
)


def _texts(**members: int) -> JsonObject:
    """Return an object of texts or nulls, by the most characters of each."""
    properties: dict[str, JsonValue] = {
        name: {"type": ["string", "null"], "maxLength": most} for name, most in members.items()
    }
    return {"type": "object", "properties": properties}


def _entries(types: list[JsonValue], **members: JsonValue) -> JsonObject:
    """Return a list of objects with a type and further members, all of them needed but ``name``."""
    entry: JsonObject = {
        "type": "object",
        "required": ["type", *members],
        "properties": {"name": _ENTRY_TEXT, "type": {"enum": types}, **members},
    }
    return {"type": "array", "maxItems": MOST_ENTRIES, "items": entry}


_ENTRY_TEXT: Final[JsonObject] = {"type": "string", "minLength": 1, "maxLength": LONGEST_ENTRY}
BODIES: Final[dict[str, JsonObject]] = {
    "Summary": _texts(summary=LONGEST_SUMMARY),
    "Description": _texts(description=LONGEST_DESCRIPTION),
    "DisplayName": _texts(displayName=LONGEST_DISPLAY_NAME),
    "Links": _entries(
        ["TERMS_OF_SERVICE", "DOCUMENTATION", "CODE_REPOSITORY", "OTHER"],
        name=_ENTRY_TEXT,
        url={**_ENTRY_TEXT, "pattern": "^https?://"},
    ),
    "Contacts": _entries(["EMAIL", "LINK"], contact=_ENTRY_TEXT),
    "Publication": {
        "type": "object",
        "required": ["scope"],
        "properties": {"scope": {"enum": ["INTERNAL", "PUBLIC"]}},
    },
    "NewManagedService": {
        "type": "object",
        "required": ["name", "source"],
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"},
            "source": {"$ref": "#/components/schemas/Source"},
            "summary": {"type": ["string", "null"], "maxLength": LONGEST_SUMMARY},
            "description": {"type": ["string", "null"], "maxLength": LONGEST_DESCRIPTION},
            "runtimeConfiguration": {"$ref": "#/components/schemas/RuntimeConfiguration"},
            "resourceConfigurations": {
                "type": "array",
                "maxItems": 3,
                "items": {"$ref": "#/components/schemas/ResourceConfiguration"},
            },
        },
    },
    "Source": {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"enum": ["file", "registry", "repository"]},
            "image": {"type": "string"},
            "tag": {"type": "string"},
            "fullPath": {"type": "string"},
        },
    },
    "RuntimeConfiguration": {
        "type": "object",
        "required": ["runtime"],
        "properties": {
            "runtime": {"enum": ["DOCKER", "PYTHON_TEMPLATE"]},
            "environment": {
                "type": "object",
                "maxProperties": MOST_VARIABLES,
                "additionalProperties": {"type": "string"},
            },
            "applyProviderTokens": {"const": False},
        },
    },
    "ResourceConfiguration": {
        "type": "object",
        "required": ["type", "amount"],
        "properties": {
            "type": {"enum": ["cpu", "memory", "gpu"]},
            "amount": {"type": "integer", "minimum": 0},
            "unit": {"enum": ["m", "M"]},
            "accelerator": {"type": "string"},
        },
    },
}
