"""The schemas of a project as whole documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from serviceexecution.launcher.schema.output import output
from serviceexecution.launcher.schema.parameters import ParameterSchemas
from serviceexecution.launcher.schema.pieces import JsonSchema, typed

if TYPE_CHECKING:
    from inspect import Signature

    from serviceexecution.launcher.converters import Converters

INPUT_LIMIT: Final = 24 * 1024
OUTPUT_LIMIT: Final = 8 * 1024
"""Most bytes of a schema as JSON: a service keeps those of several revisions in its status."""

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_LONGEST_DESCRIPTION: Final = 1000


def input_schema(signature: Signature, converters: Converters, documentation: str | None) -> JsonSchema:
    """Return the schema of an input without ``$secrets`` and ``$tags``.

    Properties that no parameter takes are allowed: the library does not look at them. ``x-secrets`` names the
    parameters that are filled from secrets, ``x-data-pools`` those that are filled from data pools.
    """
    made = ParameterSchemas(converters)
    properties, required = made.properties(signature)
    document: JsonSchema = {"$schema": _DRAFT, "type": "object", "properties": properties}
    if documentation and documentation.strip():
        document["description"] = documentation.strip().split("\n\n")[0][:_LONGEST_DESCRIPTION]
    if required:
        document["required"] = required
    for keyword, concerns in (("x-secrets", converters.is_secret), ("x-data-pools", converters.is_data_pool)):
        named = [
            {"name": parameter.name, "required": not converters.is_optional(parameter.annotation)}
            for parameter in signature.parameters.values()
            if concerns(parameter.annotation)
        ]
        if named:
            document[keyword] = named
    if made.models.definitions:
        document["$defs"] = made.models.definitions
    return document if _size(document) <= INPUT_LIMIT else _shortened(document, made)


def output_schema(signature: Signature) -> JsonSchema | None:
    """Return the schema of the main result, None when there may be none, or nothing is known of it.

    Python does not hold a function to its annotation: the schema is for people.
    """
    schema = output(signature.return_annotation)
    if schema is None:
        return None
    document = {"$schema": _DRAFT, **schema}
    return document if _size(document) <= OUTPUT_LIMIT else {"$schema": _DRAFT, **typed(schema["type"])}


def _shortened(document: JsonSchema, made: ParameterSchemas) -> JsonSchema:
    """Return a document that says of each property only its type."""
    properties = {
        name: {
            key: value
            for key, value in made.models.resolved(schema).items()
            if key == "type" or (key == "description" and len(document["properties"]) <= 100)
        }
        for name, schema in document["properties"].items()
    }
    short = {key: value for key, value in document.items() if key not in {"$defs", "description"}}
    short["properties"] = properties
    return short if _size(short) <= INPUT_LIMIT else {"$schema": _DRAFT, "type": "object"}


def _size(document: JsonSchema) -> int:
    return len(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
