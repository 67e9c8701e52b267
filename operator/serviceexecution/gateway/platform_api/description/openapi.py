"""The OpenAPI 3.1 text of the platform's API, made from the table of its calls. Pure."""

from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.access.bearer import AUTH_TOKEN_HEADER
from serviceexecution.gateway.platform_api.description.operation import Operation
from serviceexecution.gateway.platform_api.description.operations import OPERATIONS
from serviceexecution.gateway.platform_api.description.schemas import SCHEMAS
from serviceexecution.gateway.service_api.submission.idempotency import HEADER

_ERRORS: Final = (400, 401, 403, 404, 408, 410, 412, 413, 415, 416, 429, 503)
_PROBLEM: Final[JsonObject] = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
}


def platform_openapi(base: str) -> JsonObject:
    """Return the document; ``base`` is the namespace's URL."""
    paths: dict[str, JsonValue] = {}
    for operation in OPERATIONS:
        before = paths.get(operation.path)
        paths[operation.path] = {
            **(before if isinstance(before, dict) else {}),
            operation.method: _operation(operation),
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The platform's API",
            "description": "What the gateway serves of the API that qhub-api and planqk-api-sdk call.",
            "version": "1",
        },
        "servers": [{"url": base}],
        "security": [{"token": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": {**SCHEMAS},
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": AUTH_TOKEN_HEADER,
                    "description": "A bearer token, or an access key as <id>:<secret>.",
                },
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the cluster."},
            },
        },
    }


def _operation(operation: Operation) -> JsonObject:
    document: JsonObject = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body is not None:
        schema: JsonObject = {"$ref": f"#/components/schemas/{operation.body}"}
        document["requestBody"] = {"content": {operation.body_type: {"schema": schema}}}
    return document


def _parameters(operation: Operation) -> list[JsonValue]:
    text: JsonObject = {"type": "string", "minLength": 1}
    found: list[JsonValue] = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in ("id", "file")
        if f"{{{name}}}" in operation.path
    ]
    found += [
        {"name": name, "in": "query", "schema": schema} for name, schema in operation.parameters.items()
    ]
    if operation.body is not None and operation.status == HTTPStatus.CREATED:
        pattern: JsonObject = {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"}
        found.append({"name": HEADER, "in": "header", "schema": pattern})
    return found


def _responses(operation: Operation) -> JsonObject:
    good: JsonObject = {"description": operation.summary}
    if operation.answer is not None:
        content: JsonObject = {operation.media_type: {"schema": _schema(operation.answer)}}
        if operation.also_text:
            content["text/plain"] = {"schema": {"type": "string"}}
        good["content"] = content
    found: dict[str, JsonValue] = {str(operation.status): good}
    if operation.status == HTTPStatus.CREATED:
        found["200"] = {**good, "description": "An earlier request with this key had made it."}
    if operation.ranges:
        found["206"] = {**good, "description": "The part that was asked for."}
        found["304"] = {"description": "The file is the one of If-None-Match."}
    if operation.pending:
        found["204"] = {"description": "There is nothing yet; Retry-After says when to ask again."}
    for code in _ERRORS:
        found[str(code)] = {"description": HTTPStatus(code).phrase, "content": _PROBLEM}
    return found


def _schema(name: str) -> JsonObject:
    if not name:
        return {}
    reference: JsonObject = {"$ref": f"#/components/schemas/{name.removesuffix('[]')}"}
    return {"type": "array", "items": reference} if name.endswith("[]") else reference
