"""The state of a pod's main container, for collectors that cannot see its processes."""

import asyncio
import contextlib
import time
from typing import Final, Literal

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.collect.collectors import CollectorIdentity
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.kube.errors import GoneError
from serviceexecution.kube.kinds import PODS
from serviceexecution.resources.names import MAIN_CONTAINER

MainState = Literal["waiting", "running", "terminated"]

MAX_WAIT_SECONDS: Final = 60.0


async def wait_for_main(
    client: GatewayKubernetes, identity: CollectorIdentity, wait: float, draining: asyncio.Event
) -> MainState:
    """Return main's state: at once when it has terminated, else when it changes, after ``wait`` seconds, or
    when the process is to end. Raises KubernetesError."""
    deadline = time.monotonic() + min(wait, MAX_WAIT_SECONDS)
    pod = await client.get(PODS, identity.ref.namespace, identity.pod_name)
    first = state_of_main(pod, identity.pod_uid)
    remaining = deadline - time.monotonic()
    if pod is None or first == "terminated" or remaining <= 0 or draining.is_set():
        return first
    changed = asyncio.ensure_future(_next_state(client, identity, pod, first, remaining))
    ending = asyncio.ensure_future(draining.wait())
    try:
        await asyncio.wait({changed, ending}, timeout=remaining, return_when=asyncio.FIRST_COMPLETED)
        return changed.result() if changed.done() else first
    finally:
        for task in (changed, ending):
            task.cancel()
        await asyncio.gather(changed, ending, return_exceptions=True)


async def _next_state(
    client: GatewayKubernetes, identity: CollectorIdentity, pod: JsonObject, state: MainState, seconds: float
) -> MainState:
    events = client.watch(
        PODS,
        identity.ref.namespace,
        field_selector=f"metadata.name={identity.pod_name}",
        resource_version=str(_object(pod.get("metadata")).get("resourceVersion") or "") or None,
        timeout_seconds=max(1, round(seconds)),
    )
    async with contextlib.aclosing(events):
        with contextlib.suppress(GoneError):  # the caller asks again
            async for event in events:
                if event.type == "DELETED":
                    return "terminated"
                if event.type in {"ADDED", "MODIFIED"}:
                    now = state_of_main(event.object, identity.pod_uid)
                    if now != state:
                        return now
    return state


def state_of_main(pod: JsonObject | None, pod_uid: str) -> MainState:
    """Return main's state; a pod that is gone, or another one of its name, means terminated."""
    if pod is None or _object(pod.get("metadata")).get("uid") != pod_uid:
        return "terminated"
    status = _object(pod.get("status"))
    if status.get("phase") in {"Succeeded", "Failed"}:
        return "terminated"
    statuses = status.get("containerStatuses")
    for container in statuses if isinstance(statuses, list) else []:
        if _object(container).get("name") == MAIN_CONTAINER:
            state = _object(_object(container).get("state"))
            if "terminated" in state:
                return "terminated"
            return "running" if "running" in state else "waiting"
    return "waiting"


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
