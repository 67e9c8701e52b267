"""``services/<id>/openapi``: the text of a service, which is made of its schemas; a new one brings new schemas."""

import json
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.contract.openapi.service_schemas import MOST_BYTES
from serviceexecution.gateway.http.answers.in_thread import in_thread
from serviceexecution.gateway.http.bodies.multipart import OVERHEAD_BYTES, uploaded_file
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE, body_chunks, content_length
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.paths import SERVICE
from serviceexecution.gateway.platform_api.services.definition_writes import fresh_definition, write_fields
from serviceexecution.gateway.platform_api.services.managed_bodies import check_managed
from serviceexecution.gateway.service_api.context import gateway_url
from serviceexecution.gateway.service_api.description.openapi import openapi_document
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.schemas.checker import (
    CheckerUnavailableError,
    SchemaChecker,
    SchemaTimeoutError,
    ServiceSchemas,
)
from serviceexecution.schemas.rules import SchemaUnusableError

_WITH_OUTPUT: Final = "outputSchema"
"""Parameter of the call: true for the result's schema as well, which makes runs fail whose result is another one."""


def openapi_router(context: PlatformContext) -> APIRouter:
    """Return the routes."""
    router = platform_router()
    services = context.services

    @router.get(f"{SERVICE}/openapi")
    async def get_openapi(request: Request, namespace: str, service_id: str) -> Response:
        """A JSON text that holds the document, which is YAML as well: all JSON is."""
        caller = await context.known_caller(request, namespace)
        call = await context.service(request, caller, namespace, service_id, verb="get")
        definition = await services.whole_definition(call.definition)
        gateway = gateway_url(request, services.settings)
        text = await in_thread(namespace, _openapi_text, definition, call.base, gateway)
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-cache"})

    @router.put(f"{SERVICE}/openapi")
    async def put_openapi(request: Request, namespace: str, service_id: str) -> Response:
        """What is taken of the text is what inputs are checked by, as of a project that ``sx`` deploys."""
        caller = await context.known_caller(request, namespace)
        call = await context.service(request, caller, namespace, service_id, verb="patch")
        check_managed(await fresh_definition(context, call))
        with_output = request.query_params.get(_WITH_OUTPUT, "").lower() == "true"
        try:
            text = await _uploaded(
                request, services.settings.body_idle_seconds, services.settings.input_seconds
            )
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        fields = _fields(
            await _schemas(services.schemas, text, with_output=with_output), with_output=with_output
        )

        def change(definition: JsonObject) -> JsonObject:
            check_managed(definition)
            return fields

        await write_fields(context, call, change)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


async def _uploaded(request: Request, idle_seconds: float, all_seconds: float) -> bytes:
    """Return the part ``file`` of the body; raises ClientDisconnect; Problem 400, 408, 413."""
    refusal = Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "OpenApiTooLarge",
        f"An OpenAPI text may have {MOST_BYTES:,} bytes.",
        members={"limit": MOST_BYTES},
    )
    if (content_length(request) or 0) > MOST_BYTES + OVERHEAD_BYTES:
        raise refusal
    body = body_chunks(request, idle_seconds, all_seconds)
    uploaded = await uploaded_file(body, request.headers.get("content-type"))
    text = bytearray()
    async for chunk in uploaded.chunks:
        text += chunk
        if len(text) > MOST_BYTES:
            raise refusal
    return bytes(text)


async def _schemas(checker: SchemaChecker, text: bytes, *, with_output: bool) -> ServiceSchemas:
    try:
        return await checker.schemas_in(text, with_output=with_output)
    except (SchemaUnusableError, SchemaTimeoutError) as error:
        raise _wrong(str(error)) from None
    except CheckerUnavailableError as error:
        raise unavailable("CheckUnavailable", str(error)) from None


def _fields(found: ServiceSchemas, *, with_output: bool) -> JsonObject:
    """Return the fields of the service's spec that the text says; raises Problem 400 for one that says none."""
    if with_output and found.output is None:
        raise _wrong(
            "The file has no answer 200 with a schema for application/json of a path that ends in /result."
        )
    fields: JsonObject = {"inputSchema": found.input} if found.input is not None else {}
    if found.output is not None:
        fields["outputSchema"] = found.output
    if not fields:
        raise _wrong("The file has no POST whose body has a schema for application/json.")
    return fields


def _wrong(sentence: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "InvalidOpenApi", sentence, members={"path": "file"})


def _openapi_text(definition: ServiceDefinition, base: str, gateway: str) -> bytes:
    document = json.dumps(openapi_document(definition, base, gateway), ensure_ascii=False)
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
