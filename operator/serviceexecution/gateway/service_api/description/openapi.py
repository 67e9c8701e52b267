"""The OpenAPI 3.1 text of one service, with its own schemas. Pure.

Where it differs from the platform's ``openapi-service.yaml`` the real clients are the reason; the differences are
listed in docs/service-api-differences.md.
"""

from typing import Final

from serviceexecution.contract.input.input_text import INPUT_LIMIT
from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.access.token_endpoint import TOKEN_PATH
from serviceexecution.gateway.service_api.description.openapi_schemas import info, schemas
from serviceexecution.gateway.service_api.executions.list_query import MOST_LISTED
from serviceexecution.gateway.service_api.submission.idempotency import HEADER
from serviceexecution.resources.services.definition import ServiceDefinition

_PROBLEM: Final = "application/problem+json"
_COMMON_ERRORS: Final = (400, 401, 403, 404, 429, 503)
_ERRORS: Final = {
    400: "The request cannot be understood; the detail names the place and the fix.",
    401: "No valid token.",
    403: "The caller's roles do not allow it.",
    404: "There is no such service, execution or file, or not yet.",
    408: "The body did not arrive in time.",
    409: "The Idempotency-Key was used for another body.",
    410: "Log and result were deleted: their time was over.",
    412: "The file is another one than If-Match names.",
    413: "The body is larger than the limit, which the detail names.",
    415: "The body is no JSON.",
    416: "The range lies outside of the file.",
    422: "The input does not fit the service; errors lists where.",
    429: "Too many failed attempts, or no room; Retry-After says when to come back.",
    503: "The cluster or the store cannot be used at the moment; Retry-After says when to come back.",
}


def openapi_document(definition: ServiceDefinition, base: str, gateway: str) -> JsonObject:
    """Return the document; ``base`` is the service's URL, ``gateway`` the gateway's."""
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": info(definition),
        "servers": [{"url": base}],
        "security": [{"accessKey": []}, {"bearer": []}],
        "paths": _paths(),
        "components": {
            "schemas": schemas(definition),
            "parameters": {
                "Id": {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
            },
            "responses": {str(code): _problem(code) for code in _ERRORS},
            "securitySchemes": {
                "accessKey": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": f"{gateway}{TOKEN_PATH}", "scopes": {}}},
                },
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the cluster."},
            },
        },
    }


_PREFER: Final[JsonObject] = {
    "name": "Prefer",
    "in": "header",
    "description": "wait=N: answer when there is something new, after N seconds at the latest (RFC 7240).",
    "schema": {"type": "string"},
}


def _paths() -> JsonObject:
    by_id: list[JsonValue] = [{"$ref": "#/components/parameters/Id"}]
    execution = _json({"$ref": "#/components/schemas/ServiceExecution"})
    file: JsonObject = {
        "description": "The file.",
        "headers": {name: {"schema": {"type": "string"}} for name in ("ETag", "Content-Disposition")},
        "content": {"*/*": {"schema": {}}},
    }
    return {
        "/": {
            "get": _list(),
            "post": {
                **_operation(
                    "startExecution",
                    "Start an execution",
                    {
                        "201": {
                            **execution,
                            "headers": {"Location": {"required": True, "schema": {"type": "string"}}},
                        },
                        "200": {
                            **execution,
                            "description": "An earlier request with this key had started it.",
                        },
                    },
                    errors=(408, 409, 413, 415, 422),
                ),
                "parameters": [
                    {
                        "name": HEADER,
                        "in": "header",
                        "description": "The same key gives the same execution, however often it is sent.",
                        "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
                    },
                    _PREFER,
                ],
                "requestBody": {
                    "description": f"The input, at most {INPUT_LIMIT:,} bytes. No body is an empty input.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}},
                },
            },
        },
        "/{id}": {
            "parameters": by_id,
            "get": {
                **_operation(
                    "getStatus", "Show an execution", {"200": execution, "304": {"description": "Unchanged."}}
                ),
                "parameters": [
                    _PREFER,
                    {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}},
                ],
            },
        },
        "/{id}/result": {
            "parameters": by_id,
            "get": _operation(
                "getResult",
                "Show the result of a finished execution; 404 before",
                {"200": _json({"$ref": "#/components/schemas/Result"})},
                errors=(410,),
            ),
        },
        "/{id}/result/{file}": {
            "parameters": [
                *by_id,
                {
                    "name": "file",
                    "in": "path",
                    "required": True,
                    "description": "Path of an output file; slashes stand as they are.",
                    "schema": {"type": "string", "minLength": 1},
                },
            ],
            "get": {
                **_operation(
                    "getResultFile",
                    "Fetch an output file, or a range of it",
                    {
                        "200": file,
                        "206": {**file, "description": "The range of the file."},
                        "304": {"description": "Unchanged."},
                    },
                    errors=(410, 412, 416),
                ),
                "parameters": [
                    {"name": name, "in": "header", "schema": {"type": "string"}}
                    for name in ("Range", "If-Range", "If-Match", "If-None-Match")
                ],
            },
        },
        "/{id}/log": {
            "parameters": by_id,
            "get": {
                **_operation(
                    "getLog",
                    "Show the log so far, or follow it as Server-Sent Events",
                    {
                        "200": {
                            "description": "All lines so far; none is an empty list.",
                            "content": {
                                "application/json": {
                                    "schema": {
                                        "type": "array",
                                        "items": {"$ref": "#/components/schemas/LogEntry"},
                                    }
                                },
                                "text/event-stream": {},
                            },
                        }
                    },
                    errors=(410,),
                ),
                "parameters": [
                    {
                        "name": "follow",
                        "in": "query",
                        "description": "Stream each line as an event until the program has ended.",
                        "schema": {"type": "boolean"},
                    },
                    {
                        "name": "attempt",
                        "in": "query",
                        "description": "The log of this attempt, counted from 1; of the last one by default.",
                        "schema": {"type": "integer", "minimum": 1},
                    },
                    {
                        "name": "Last-Event-ID",
                        "in": "header",
                        "description": "Go on behind the event with this id.",
                        "schema": {"type": "string"},
                    },
                ],
            },
        },
        "/{id}/interim-results": {
            "parameters": by_id,
            "get": {
                **_operation(
                    "getInterimResults",
                    "Show what the program has printed as interim results",
                    {"200": _json({"type": ["array", "object"]})},
                    errors=(410,),
                ),
                "parameters": [
                    {
                        "name": "last",
                        "in": "query",
                        "description": "Give only the newest, {} when there is none.",
                        "schema": {"type": "boolean"},
                    }
                ],
            },
        },
        "/{id}/cancel": {
            "parameters": by_id,
            "put": _operation(
                "cancelExecution",
                "Stop an execution; one that has finished stays as it is",
                {"200": execution},
            ),
        },
    }


def _list() -> JsonObject:
    executions = _json({"type": "array", "items": {"$ref": "#/components/schemas/ServiceExecution"}})
    link: JsonObject = {
        "description": 'The next page, as rel="next"; only where there are more.',
        "schema": {"type": "string"},
    }
    parameters: dict[str, tuple[str, JsonObject]] = {
        "limit": (
            "Most executions of the answer.",
            {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": MOST_LISTED},
        ),
        "status": ("Only these, with commas between them.", {"type": "string"}),
        "tag": ("Only with all of these tags.", {"type": "array", "items": {"type": "string"}}),
        "continue": ("Where the page before ended, as its link says.", {"type": "string"}),
    }
    return {
        **_operation(
            "listExecutions",
            "List the executions of the service, the newest first",
            {"200": {**executions, "headers": {"Link": link}}},
        ),
        "parameters": [
            {"name": name, "in": "query", "description": description, "schema": schema}
            for name, (description, schema) in parameters.items()
        ],
    }


def _operation(name: str, summary: str, responses: JsonObject, errors: tuple[int, ...] = ()) -> JsonObject:
    refused: JsonObject = {
        str(code): {"$ref": f"#/components/responses/{code}"} for code in sorted({*_COMMON_ERRORS, *errors})
    }
    return {"operationId": name, "summary": summary, "responses": {**responses, **refused}}


def _json(schema: JsonObject) -> JsonObject:
    return {"description": "As it is now.", "content": {"application/json": {"schema": schema}}}


def _problem(code: int) -> JsonObject:
    problem: JsonObject = {
        "description": _ERRORS[code],
        "content": {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if code in {429, 503}:
        problem["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return problem
