"""Gives main more memory than the spec does."""

from serviceexecution.contract.json_types import JsonObject, JsonValue, object_at, object_of
from serviceexecution.contract.quantities import format_quantity
from serviceexecution.executions.attempts.memory import raised_request
from serviceexecution.resources.names import MAIN_CONTAINER


def with_memory(template: JsonObject, limit: int) -> JsonObject:
    """Return the pod template with this memory limit of main, in bytes; its request grows as much."""
    pod = object_at(template, "spec")
    containers = pod.get("containers")
    raised: list[JsonValue] = [
        _raised(object_of(one), limit) if object_of(one).get("name") == MAIN_CONTAINER else one
        for one in (containers if isinstance(containers, list) else [])
    ]
    return {**template, "spec": {**pod, "containers": raised}}


def _raised(container: JsonObject, limit: int) -> JsonObject:
    limits, requests = (
        object_at(container, "resources", "limits"),
        object_at(container, "resources", "requests"),
    )
    before = limits.get("memory")
    resources: JsonObject = {
        **object_at(container, "resources"),
        "limits": {**limits, "memory": format_quantity(limit)},
    }
    if "memory" in requests:
        asked = raised_request(str(requests["memory"]), None if before is None else str(before), limit)
        resources["requests"] = {**requests, "memory": asked}
    return {**container, "resources": resources}
