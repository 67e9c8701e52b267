"""The service's OpenAPI text, and a page for people that reads it."""

import base64
import hashlib
import html
import json
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from serviceexecution.gateway.http.answers.in_thread import in_thread
from serviceexecution.gateway.service_api.context import ServiceContext, gateway_url
from serviceexecution.gateway.service_api.description.openapi import openapi_document
from serviceexecution.gateway.service_api.paths import SERVICE
from serviceexecution.resources.names import DEFINITION_PLURAL
from serviceexecution.resources.services.definition import ServiceDefinition

_BASE_PLACE: Final = "%BASE%"


def docs_router(context: ServiceContext) -> APIRouter:
    """Return the routes. The page itself says nothing of any service, so that everybody may read it."""
    router = APIRouter(redirect_slashes=False)
    page = (
        files("serviceexecution.gateway.service_api.description")
        .joinpath("docs_page.html")
        .read_text("utf-8")
    )
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _policy(page),
        "X-Content-Type-Options": "nosniff",
    }

    @router.get(f"{SERVICE}/openapi.json")
    async def get_openapi(request: Request, namespace: str, service: str) -> Response:
        call = await context.service(request, namespace, service, verb="get", resource=DEFINITION_PLURAL)
        definition = await context.whole_definition(call.definition)
        gateway = gateway_url(request, context.settings)
        text = await in_thread(namespace, _openapi_text, definition, call.base, gateway)
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-cache"})

    @router.get("/docs")
    async def get_docs(request: Request) -> Response:
        return _page(page, f"{gateway_url(request, context.settings)}/services/NAMESPACE/NAME", headers)

    @router.get(f"{SERVICE}/docs")
    async def get_service_docs(request: Request, namespace: str, service: str) -> Response:
        context.check_names(namespace, service)  # They become part of lines that people copy into a shell
        base = f"{gateway_url(request, context.settings)}/services/{namespace}/{service}"
        return _page(page, base, headers)

    return router


def _openapi_text(definition: ServiceDefinition, base: str, gateway: str) -> bytes:
    """Return the document as JSON; schemas of 64 KiB are looked through for some 50 ms."""
    return json.dumps(openapi_document(definition, base, gateway), ensure_ascii=False).encode(
        "utf-8", "replace"
    )


def _page(page: str, base: str, headers: dict[str, str]) -> Response:
    return HTMLResponse(page.replace(_BASE_PLACE, html.escape(base, quote=True)), headers=headers)


def _policy(page: str) -> str:
    """Return a policy under which nothing but the page's own script and style runs."""
    script = page.partition("<script>")[2].partition("</script>")[0]
    style = page.partition("<style>")[2].partition("</style>")[0]
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
