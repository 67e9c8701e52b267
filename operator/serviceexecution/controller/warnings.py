"""The newest warning about an object: some causes change neither the object nor anything that is watched."""

from datetime import datetime
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import EVENTS
from serviceexecution.resources.executions.execution import ObjectMeta

EVENTS_AFTER: Final = 2.0
"""Seconds after which the reason of a missing pod or a silent start is looked up in Events."""


async def newest_warning(client: KubernetesClient, about: ObjectMeta, now: datetime) -> str | None:
    """Return the text of the newest warning, empty when there is none; None when it is too early to ask.

    Raises KubernetesError.
    """
    if (now - about.creation_timestamp).total_seconds() < EVENTS_AFTER:
        return None
    found = await client.list(
        EVENTS, about.namespace, field_selector=f"involvedObject.uid={about.uid},type=Warning"
    )
    newest = max(found.items, key=_event_time, default=None)
    return str(newest.get("message") or "") if newest is not None else ""


def _event_time(event: JsonObject) -> str:
    times: list[JsonValue] = [event.get("lastTimestamp"), event.get("eventTime"), event.get("firstTimestamp")]
    return next((time for time in times if isinstance(time, str)), "")
