"""Writes ServiceDefinitions for callers who may, and says what a refusal means."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_types import JsonObject, object_of, text_at
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.platform_api.context import PlatformContext
from serviceexecution.gateway.service_api.context import Call
from serviceexecution.kube.errors import ConflictError, KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS

_Write = Callable[[str, JsonObject], Awaitable[JsonObject | None]]
"""From the version of the service and what is to change to the service as stored; raises KubernetesError."""
Change = Callable[[JsonObject], JsonObject]
"""From the service as the API server has it to a merge patch; {} for nothing. May raise Problem."""
_TRIES: Final = 5
"""While a build goes on, its status is written beside us."""


async def fresh_definition(context: PlatformContext, call: Call) -> JsonObject:
    """Return the service as the API server has it; raises Problem 404, KubernetesError."""
    metadata = call.definition.metadata
    body = await context.services.client.get(SERVICE_DEFINITIONS, metadata.namespace, metadata.name)
    if body is None or text_at(body, "metadata", "uid") != metadata.uid:
        raise _gone(metadata.uid)
    return body


async def write_change(context: PlatformContext, call: Call, change: Change) -> None:
    """Write what ``change`` makes of the service, as one patch of the state that it was made from.

    Raises Problem 400, 403, 404, 413, 429, 503; KubernetesError; what ``change`` raises.
    """
    client, metadata = context.services.client, call.definition.metadata

    async def write(version: str, patch: JsonObject) -> JsonObject | None:
        patch = {**patch, "metadata": {**object_of(patch.get("metadata")), "resourceVersion": version}}
        return await client.patch(SERVICE_DEFINITIONS, metadata.namespace, metadata.name, patch)

    await _written(context, call, change, write)


async def write_fields(context: PlatformContext, call: Call, change: Change) -> None:
    """Write the fields of ``spec`` that ``change`` makes of the service, each whole; raises as ``write_change``."""
    client, metadata = context.services.client, call.definition.metadata

    async def write(version: str, fields: JsonObject) -> JsonObject | None:
        return await client.replace_fields(
            SERVICE_DEFINITIONS, metadata.namespace, metadata.name, fields, resource_version=version
        )

    await _written(context, call, change, write)


async def _written(context: PlatformContext, call: Call, change: Change, write: _Write) -> None:
    services, metadata = context.services, call.definition.metadata
    for _ in range(_TRIES):
        body = await fresh_definition(context, call)
        wanted = change(body)
        if not wanted:
            return
        try:
            stored = await write(text_at(body, "metadata", "resourceVersion"), wanted)
        except ConflictError:
            continue
        except KubernetesError as error:
            raise refused_write(error) from None
        if stored is None:
            raise _gone(metadata.uid)
        services.state.note_definition(stored)
        return
    raise unavailable("TryAgain", "The service is being changed by somebody else; try again.")


def refused_write(error: KubernetesError) -> Exception:
    """Return what the API server's refusal of a write means for the caller."""
    if error.lacks_right:
        return no_writes("make or change")
    if error.is_too_large:
        return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "ServiceTooLarge", "The service is too large.")
    if error.status == HTTPStatus.FORBIDDEN and "exceeded quota" in str(error):
        return Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "QuotaExceeded",
            "The namespace's quota has no room for another service; delete one.",
            headers={"Retry-After": "5"},
        )
    if error.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.FORBIDDEN}:
        status = HTTPStatus.FORBIDDEN if error.status == HTTPStatus.FORBIDDEN else HTTPStatus.BAD_REQUEST
        return Problem(status, "Refused", f"The cluster refuses the service: {error}")
    return error


def no_writes(what: str) -> Problem:
    """Return a 403 that says who may let the gateway write."""
    return Problem(
        HTTPStatus.FORBIDDEN,
        "NotSupported",
        f"This gateway may not {what} services: use kubectl, or let an operator set gateway.platformApi.write in the "
        "chart.",
    )


def _gone(uid: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "ServiceNotFound", f"There is no service {uid} any more.")
