"""A process that takes made-up objects as its watches would, such as 5,000 live and 20,000 kept ones.

Prints its resident memory in bytes: after the imports, and with what it then knows. Objects come as JSON text, a page
at a time, as they come from the API server.
"""

import gc
import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.process.garbage import collect_seldom
from serviceexecution.resources.names import LABEL_EXECUTION_UID

_PAGE: Final = 100
_SCHEMA_BYTES: Final = 60 * 1024
_CREATED: Final = "2026-03-01T12:00:00Z"


def main() -> None:
    """Measure."""
    process, live, ended = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    hold = _hold_in_controller if process == "controller" else _hold_in_gateway
    hold(live, ended)


def _hold_in_controller(live: int, ended: int) -> None:
    from serviceexecution.controller import main as controller  # noqa: PLC0415
    from serviceexecution.controller.known.cache import ObjectCache  # noqa: PLC0415
    from serviceexecution.controller.known.routing import Router  # noqa: PLC0415

    collect_seldom()
    before = _resident()
    cache = ObjectCache()
    router = Router(cache)
    for body in _pages(_execution(number, "Running", schema=False) for number in range(live)):
        cache.put_execution(body)
    for body in _pages(_job(number) for number in range(live)):
        router.job(body)
    for body in _pages(_pod(number) for number in range(live)):
        router.pod(body)
    for body in _pages(_execution(live + number, "Succeeded", schema=False) for number in range(ended)):
        cache.put_execution(body)
    _say(before, len(cache.executions), controller)


def _hold_in_gateway(live: int, ended: int) -> None:
    from serviceexecution.gateway import main as gateway  # noqa: PLC0415
    from serviceexecution.gateway.state.execution_index import ExecutionIndex  # noqa: PLC0415

    collect_seldom()
    before = _resident()
    index = ExecutionIndex()
    for body in _pages(_execution(number, "Running", schema=False) for number in range(live)):
        index.put(body)
    for body in _pages(_execution(live + number, "Succeeded", schema=True) for number in range(ended)):
        index.put(body)
    _say(before, len(index), gateway)


def _say(before: int, known: int, *kept: object) -> None:
    gc.collect()
    print(json.dumps({"imported": before, "resident": _resident(), "known": known, "modules": len(kept)}))


def _pages(objects: Iterator[JsonObject]) -> Iterator[JsonObject]:
    """Give the objects as they are when a page of their texts was parsed."""
    texts: list[str] = []
    for body in objects:
        texts.append(json.dumps(body))
        if len(texts) == _PAGE:
            yield from json.loads(f"[{','.join(texts)}]")
            texts = []
    yield from json.loads(f"[{','.join(texts)}]")


def _uid(what: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{what} {number}"))


def _metadata(what: str, number: int) -> JsonObject:
    return {
        "name": f"{what}-{_uid(what, number)}",
        "namespace": f"team-{number % 20}",
        "uid": _uid(what, number),
        "resourceVersion": str(1000 + number),
        "generation": 1,
        "creationTimestamp": _CREATED,
        "annotations": {"serviceexecution.dev/submitted-by": "system:serviceaccount:team:developer"},
        "managedFields": [
            {"manager": "gateway", "operation": "Update", "time": _CREATED, "fieldsV1": {"f:spec": {}}}
        ],
    }


def _execution(number: int, phase: str, *, schema: bool) -> JsonObject:
    taken: JsonObject = {
        "name": f"service-{number % 50}",
        "uid": _uid("service", number % 50),
        "generation": 1,
        "fields": {"runtime": {"docker": {"image": "registry/team/sum:1"}}, "timeout": "10m"},
    }
    if schema:
        taken["outputSchema"] = {"type": "object", "description": "x" * _SCHEMA_BYTES}
    status: JsonObject = {
        "observedGeneration": 1,
        "phase": phase,
        "reason": phase,
        "message": "The program has ended with exit code 0, and its results are stored.",
        "attempts": 1,
        "startTime": _CREATED,
        "job": {"name": f"job-{number}", "uid": _uid("job", number)},
        "pod": {"name": f"pod-{number}", "uid": _uid("pod", number)},
        "conditions": [
            {"type": kind, "status": "True", "reason": "Ran", "message": "", "lastTransitionTime": _CREATED}
            for kind in ("Started", "Completed", "ResultsStored")
        ],
        "service": taken,
    }
    if phase == "Succeeded":
        status["completionTime"] = _CREATED
    spec: JsonObject = {
        "serviceRef": {"name": f"service-{number % 50}"},
        "inputJson": json.dumps({"values": list(range(200))}),
        "tags": ["benchmark", f"tag-{number % 100}"],
    }
    return {"metadata": _metadata("execution", number), "spec": spec, "status": status}


def _child(what: str, number: int, owner: str) -> JsonObject:
    reference: JsonObject = {"kind": owner, "name": "owner", "controller": True, "apiVersion": "v1"}
    reference["uid"] = _uid("execution" if owner == "ServiceExecution" else "job", number)
    labels: JsonObject = {LABEL_EXECUTION_UID: _uid("execution", number)}
    return {**_metadata(what, number), "labels": labels, "ownerReferences": [reference]}


def _job(number: int) -> JsonObject:
    return {"metadata": _child("job", number, "ServiceExecution"), "status": {"startTime": _CREATED}}


def _pod(number: int) -> JsonObject:
    running: JsonObject = {"running": {"startedAt": _CREATED}}
    containers: list[JsonObject] = [
        {"name": name, "state": running, "image": "registry/team/sum:1", "ready": True}
        for name in ("main", "collector")
    ]
    conditions: list[JsonObject] = [
        {"type": kind, "status": "True", "lastTransitionTime": _CREATED}
        for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    status: JsonObject = {
        "phase": "Running",
        "startTime": _CREATED,
        "containerStatuses": [*containers],
        "conditions": [*conditions],
    }
    return {"metadata": _child("pod", number, "Job"), "spec": {"nodeName": "node1"}, "status": status}


def _resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError


if __name__ == "__main__":
    main()
