"""One service as it is shown to its caller."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.platform_api.context import PlatformContext
from serviceexecution.gateway.platform_api.services.documents import Permission, service_document
from serviceexecution.gateway.service_api.context import Call
from serviceexecution.resources.names import DEFINITION_PLURAL

_PERMISSIONS: Final[tuple[tuple[str, Permission], ...]] = (("delete", "OWNER"), ("patch", "MAINTAINER"))
"""The right that makes each, the highest first; all others who may read are viewers."""


async def shown_service(context: PlatformContext, call: Call) -> JsonObject:
    """Return the service with what its caller may do with it; raises Problem 404, 503, KubernetesError."""
    definition = await context.services.whole_definition(call.definition)
    return service_document(
        call.definition,
        definition,
        await _permission(context, call),
        call.base,
        context.services.settings.accelerators,
    )


async def _permission(context: PlatformContext, call: Call) -> Permission:
    metadata = call.definition.metadata
    for verb, permission in _PERMISSIONS:
        if await context.may(
            call.caller, metadata.namespace, verb=verb, resource=DEFINITION_PLURAL, name=metadata.name
        ):
            return permission
    return "VIEWER"
