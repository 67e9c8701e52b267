"""The parts of a service's OpenAPI text that depend on the service: what it is, and its schemas. Pure."""

import json
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.service_api.description.input_schema import input_body
from serviceexecution.gateway.service_api.description.schema_places import placed
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.schemas.rules import SCHEMA_LIMIT

_PLACE: Final = "#/components/schemas"
_TIME: Final[JsonObject] = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$",
    "examples": ["2026-11-24 14:18:55"],
    "description": "UTC.",
}
_UUID: Final[JsonObject] = {"type": "string", "format": "uuid"}
_BYTES: Final[JsonObject] = {"type": "integer", "minimum": 0}
_USAGE: Final[JsonObject] = {
    "type": "object",
    "description": "What the program has used, once it has ended.",
    "properties": {
        "cpuSeconds": {"type": "number", "minimum": 0},
        "memoryPeakBytes": _BYTES,
        "readBytes": _BYTES,
        "writtenBytes": _BYTES,
        "complete": {"type": "boolean", "description": "False: these are lower bounds."},
    },
}
_SEVERITIES: Final[list[JsonValue]] = ["DEBUG", "NOTICE", "INFO", "WARNING", "ERROR"]
_STATUSES: Final[list[JsonValue]] = ["UNKNOWN", "PENDING", "RUNNING", "SUCCEEDED", "CANCELLED", "FAILED"]


def info(definition: ServiceDefinition) -> JsonObject:
    """Return the service's name, what it does, and what was built where it was built here."""
    spec, metadata = definition.spec, definition.metadata
    text = spec.description or f"The service {metadata.name}."
    serving = definition.status.serving if definition.is_built else None
    if serving is None:
        return {
            "title": spec.display_name or metadata.name,
            "description": text,
            "version": str(metadata.generation),
        }
    facts: JsonObject = {
        "revision": serving.name,
        "commit": serving.commit,
        "sourceDigest": serving.source_digest,
        "imageDigest": serving.image_digest,
    }
    known: JsonObject = {name: value for name, value in facts.items() if value}
    parts = [f"Revision {serving.name}"]
    if serving.commit:
        parts.append(f"built from commit {serving.commit}")
    elif serving.source_digest:
        parts.append(f"built from source {serving.source_digest}")
    if serving.image_digest:
        parts.append(f"image {serving.image_digest}")
    return {
        "title": spec.display_name or metadata.name,
        "description": f"{text}\n\n{', '.join(parts)}.",
        "version": serving.name,
        "x-build": known,
    }


def schemas(definition: ServiceDefinition) -> JsonObject:
    """Return the schemas of what the API takes and gives."""
    link: JsonObject = {"type": "object", "required": ["href"], "properties": {"href": {"type": "string"}}}
    result: JsonObject = {
        "type": "object",
        "description": "The main result's members, or the problem's when the execution failed.",
        "required": ["_embedded", "_links"],
        "properties": {
            "_embedded": {
                "type": "object",
                "required": ["status"],
                "properties": {
                    "status": {"$ref": "#/components/schemas/ServiceExecution"},
                    "message": {
                        "type": "string",
                        "description": "Why a main result that was written or printed has no members here.",
                    },
                },
            },
            "_links": {"type": "object", "required": ["self", "status"], "additionalProperties": link},
        },
    }
    found: JsonObject = {
        "ServiceExecution": {
            "type": "object",
            "required": ["id", "createdAt", "status", "type", "tags"],
            "properties": {
                "id": _UUID,
                "createdAt": _TIME,
                "startedAt": _TIME,
                "endedAt": _TIME,
                "attempts": {
                    "type": "integer",
                    "minimum": 2,
                    "description": "How many attempts were made, when it was more than one.",
                },
                "usage": _USAGE,
                "status": {"type": "string", "enum": _STATUSES},
                "type": {"type": "string", "enum": ["MANAGED"]},
                "serviceId": _UUID,
                "serviceDefinitionId": _UUID,
                "applicationId": _UUID,
                "tags": {"type": "array", "items": {"type": "string"}},
            },
        },
        "Result": result,
        "LogEntry": {
            "type": "object",
            "required": ["message", "severity", "timestamp"],
            "properties": {
                "message": {"type": "string"},
                "severity": {"type": "string", "enum": _SEVERITIES},
                "timestamp": {"type": "string", "description": "RFC 3339 in UTC, with nanoseconds."},
            },
        },
        "Input": input_body(_shown(definition.input_schema), f"{_PLACE}/Input"),
        "Problem": {
            "type": "object",
            "description": "RFC 9457.",
            "required": ["type", "title", "status", "detail", "code"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "code": {"type": "string"},
            },
        },
    }
    output_schema = _shown(definition.output_schema)
    if output_schema is not None:
        found["MainResult"] = placed(output_schema, f"{_PLACE}/MainResult", identifier="main-result")
    return found


def _shown(schema: JsonObject | None) -> JsonObject | None:
    """Return the schema, or None for one that is larger than services may have: they do not run with it either."""
    return None if schema is None or len(json.dumps(schema)) > SCHEMA_LIMIT else schema
