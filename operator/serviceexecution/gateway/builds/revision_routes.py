"""/api/v1/…/services/{service}: which revisions there are, which one serves, and the service as it was applied."""

import io
import json
from http import HTTPStatus
from typing import Final

import yaml
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect
from typing_extensions import override

from serviceexecution.contract.json_types import JsonObject, object_of
from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.builds.revisions import good_revision, revisions_document, settings_of
from serviceexecution.gateway.http.answers.in_thread import in_thread
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE, whole_body
from serviceexecution.gateway.http.path_names import is_namespace, is_object_name
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.resources.names import DEFINITION_PLURAL

_SERVICE: Final = "/namespaces/{namespace}/services/{service}"
_NO_CACHE: Final = {"Cache-Control": "no-cache"}
_BODY_LIMIT: Final = 1024
MOST_SETTINGS: Final = 256 * 1024
"""Most characters of a service that is written as YAML; four schemas of 64 KiB do not fit, others do."""
MOST_YAML: Final = 4 * 2**20


def revision_router(
    client: GatewayKubernetes, state: ServiceState, access: Access, settings: GatewaySettings
) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1", redirect_slashes=False)

    @router.get(f"{_SERVICE}/builds")
    async def get_builds(request: Request, namespace: str, service: str) -> Response:
        """The right is the one to read the logs of builds."""
        await enter(request, namespace, service, verb="get", subresource="log")
        body = await read(namespace, service)
        return JSONResponse(revisions_document(body), headers=_NO_CACHE)

    @router.get(f"{_SERVICE}/settings")
    async def get_settings(request: Request, namespace: str, service: str) -> Response:
        """Only for those who may change the service: variables may say more than people who run it should know."""
        await enter(request, namespace, service, verb="patch")
        found = settings_of(await read(namespace, service))
        try:
            text = await in_thread(namespace, _yaml, found)
        except (RecursionError, OverflowError):
            raise _too_large(service) from None
        return Response(text, media_type="application/yaml", headers=_NO_CACHE)

    @router.put(f"{_SERVICE}/revision")
    async def put_revision(request: Request, namespace: str, service: str) -> Response:
        """Let a revision serve until another is named: ``{"revision": "r2"}``, or null for the newest good one."""
        await enter(request, namespace, service, verb="patch")
        try:
            wanted = await _wanted(request, settings)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        body = await read(namespace, service)
        if wanted is not None:
            good_revision(body, wanted)
        await write(namespace, service, wanted)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def enter(
        request: Request, namespace: str, service: str, *, verb: str, subresource: str = ""
    ) -> None:
        caller = await access.authenticate(request)
        watched = not settings.namespaces or namespace in settings.namespaces
        if not is_namespace(namespace) or not is_object_name(service) or not watched:
            raise _no_service(namespace, service)
        await access.require(
            caller,
            verb=verb,
            resource=DEFINITION_PLURAL,
            subresource=subresource,
            namespace=namespace,
            name=service,
        )

    async def read(namespace: str, service: str) -> JsonObject:
        # What is known here has no pin and no messages
        known = await state.definition(namespace, service)
        body = None if known is None else await client.get(SERVICE_DEFINITIONS, namespace, service)
        if body is None:
            raise _no_service(namespace, service)
        return body

    async def write(namespace: str, service: str, revision: str | None) -> None:
        try:
            stored = await client.patch(
                SERVICE_DEFINITIONS, namespace, service, {"spec": {"revision": revision}}
            )
        except KubernetesError as error:
            if error.lacks_right:
                raise _no_writes(service) from None
            raise
        if stored is None:
            raise _no_service(namespace, service)
        state.note_definition(stored)

    return router


async def _wanted(request: Request, settings: GatewaySettings) -> str | None:
    """Return the revision that the body names; raises ClientDisconnect; Problem 400, 408, 413."""
    refusal = Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "BodyTooLarge",
        f"The name of a revision has no {_BODY_LIMIT:,} bytes.",
    )
    text = await whole_body(request, settings.body_idle_seconds, _BODY_LIMIT, refusal, settings.input_seconds)
    try:
        body = object_of(json.loads(text))
    except (ValueError, RecursionError):
        body = {}
    wanted = body.get("revision")
    if "revision" not in body or not (wanted is None or isinstance(wanted, str)):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "BadRequest",
            'Say which revision, such as {"revision": "r2"}, or null for the newest that was built.',
            members={"path": "$.revision"},
        )
    return wanted


class _Bounded(io.StringIO):
    """A text that grows to a bound: each level of nesting indents all lines in it, which could make any length."""

    @override
    def write(self, text: str, /) -> int:
        if self.tell() > MOST_YAML:
            raise OverflowError
        return super().write(text)


def _yaml(settings: JsonObject) -> bytes:
    """Return the text; raises RecursionError, OverflowError for what is too large to be shown."""
    # YAML's tree takes some hundred bytes for each value
    if len(json.dumps(settings)) > MOST_SETTINGS:
        raise OverflowError
    text = _Bounded()
    yaml.dump(settings, text, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    return text.getvalue().encode("utf-8", "replace")


def _no_service(namespace: str, service: str) -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND,
        "ServiceNotFound",
        f"There is no service {service[:253]} in namespace {namespace[:63]}.",
    )


def _no_writes(service: str) -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN,
        "NotSupported",
        f"This gateway may not change services: use sx rollback {service}, or let an operator set "
        "gateway.platformApi.write in the chart.",
    )


def _too_large(service: str) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "TooLarge",
        f"The service is too large or nested too deeply to be shown: use kubectl get sxd {service} -o json.",
    )
