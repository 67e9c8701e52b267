"""Whether executions of a service can start now."""

from serviceexecution.gateway.http.problems import unavailable
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.resources.names import CONDITION_READY


async def ready_definition(context: ServiceContext, known: KnownDefinition) -> KnownDefinition:
    """Return the service if executions can start; raises Problem 503 with the reason's sentence, KubernetesError.

    The API server is asked before anybody is turned away: a build may just have ended.
    """
    if not_ready(known) is None:
        return known
    metadata = known.metadata
    fresh = await context.state.fresh_definition(metadata.namespace, metadata.name)
    definition = known if fresh is None or fresh.metadata.uid != metadata.uid else fresh
    fault = not_ready(definition)
    if fault is not None:
        raise unavailable("ServiceNotReady", f"The service cannot run at the moment. {fault}".strip())
    return definition


def not_ready(definition: KnownDefinition) -> str | None:
    """Return the sentence that says why executions cannot start, None when they can."""
    ready = next((one for one in definition.status.conditions if one.type == CONDITION_READY), None)
    message = "" if ready is None or ready.status == "True" else ready.message or ""
    if definition.is_built and definition.status.serving is None:
        return message or "Its first image has not been built yet."
    if ready is not None and ready.status == "False":
        current = ready.observed_generation in {None, definition.metadata.generation}
        return message if current else None
    return None
