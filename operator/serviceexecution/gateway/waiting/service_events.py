"""A service as Server-Sent Events: that something of it has changed, such as its settings or one of its builds."""

import asyncio
from collections.abc import AsyncIterator

from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.gateway.waiting.events import Bell, event_text, is_number
from serviceexecution.kube.errors import KubernetesError


async def service_events(
    state: ServiceState, service: KnownDefinition, *, last_id: str, ending: asyncio.Event
) -> AsyncIterator[bytes]:
    """Give an event ``service`` now and for each change, and ``removed`` when the service is gone.

    An event says only the service's id. What has changed is asked for with the rights that each part needs: builds and
    settings have others than the service. ``last_id`` is the id of the last event that the client has seen.
    """
    bell = Bell(ending)
    metadata = service.metadata
    told = int(last_id) if is_number(last_id) else None
    try:
        yield b": the service\n\n"
        with state.definition_changes.of(metadata.namespace, metadata.name, bell.ring):
            while not ending.is_set():
                known = await state.definition(metadata.namespace, metadata.name)
                if known is None or known.metadata.uid != metadata.uid:
                    yield event_text("removed", service.version, {"id": metadata.uid})
                    return
                if known.version != told:
                    yield event_text("service", known.version, {"id": metadata.uid})
                    told = known.version
                if comment := await bell.next_look():
                    yield comment
    except (Problem, KubernetesError):
        return  # The client comes again, with the id of the last event
    finally:
        bell.close()
