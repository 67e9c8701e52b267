"""The executions that there are, and the services that they are runs of. Pure: one is made from its number."""

from datetime import UTC, datetime, timedelta
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.names import (
    ANNOTATION_JOB,
    API_GROUP,
    API_VERSION,
    DEFINITION_KIND,
    JOB_STORED,
    KIND,
)

NAMESPACE: Final = "team-a"
SERVICES: Final = 20
BATCHES: Final = 200
_FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)
_EVERY: Final = timedelta(minutes=3)
_FAILED_OF: Final = 25
_MESSAGE: Final = "The program has ended with exit code 1: ValueError: the matrix of batch {} is singular"


def created(number: int) -> datetime:
    """Return when the execution was made."""
    return _FIRST + number * _EVERY


def service_uid(number: int) -> str:
    """Return the uid of a service."""
    return f"00000000-0000-4000-9000-{number:012}"


def service(number: int) -> JsonObject:
    """Return a service as the API server has it."""
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": DEFINITION_KIND,
        "metadata": {
            "name": f"service-{number}",
            "namespace": NAMESPACE,
            "uid": service_uid(number),
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": _text(_FIRST),
        },
        "spec": {"runtime": {"docker": {"image": "busybox"}}},
        "status": {"phase": "Ready", "observedGeneration": 1},
    }


def execution(number: int) -> JsonObject:
    """Return an execution as the API server has it: ended, one of 25 has failed, every second is a job."""
    begun = created(number)
    batch = number % BATCHES
    failed = number % _FAILED_OF == 0
    name = f"{number * 2654435761 % 2**32:08x}-0000-4000-8000-{number:012}"
    of = number % SERVICES
    status: JsonObject = {
        "phase": "Failed" if failed else "Succeeded",
        "startTime": _text(begun + timedelta(seconds=2)),
        "completionTime": _text(begun + timedelta(seconds=10 + number % 100)),
        "attempts": 1,
        "service": {"name": f"service-{of}", "uid": service_uid(of)},
        "usage": {"cpuSeconds": "1.5", "memoryPeakBytes": 2**26, "complete": True},
    }
    if failed:
        status |= {"reason": "ProgramFailed", "message": _MESSAGE.format(batch)}
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": KIND,
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"{number:08x}-0000-4000-8000-000000000000",
            "resourceVersion": str(number + 2),
            "generation": 1,
            "creationTimestamp": _text(begun),
            "annotations": {ANNOTATION_JOB: JOB_STORED} if number % 2 else {},
        },
        "spec": {"serviceRef": {"name": f"service-{of}"}, "tags": [f"batch-{batch}", "Nightly"]},
        "status": status,
    }


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
