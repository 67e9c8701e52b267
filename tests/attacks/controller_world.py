"""A cluster in memory with a controller, and executions by the thousand."""

from serviceexecution.contract.json_types import JsonObject, JsonValue


def execution(number: int, *, phase: str | None, size: int = 0, **status: JsonValue) -> JsonObject:
    """Return an execution as the API server has it; ``size`` is what a tenant lets a schema and an input have."""
    uid = f"00000000-0000-4000-8000-{number:012d}"
    service: JsonObject = {"name": "adder", "uid": "service", "generation": 1, "fields": {}}
    service["outputSchema"] = {f"p{one}": {"description": "x" * 100} for one in range(size // 128)}
    return {
        "metadata": {
            "name": f"run-{number}",
            "namespace": "team",
            "uid": uid,
            "resourceVersion": str(1_000 + number),
            "generation": 1,
            "creationTimestamp": "2026-03-01T12:00:00Z",
        },
        "spec": {"serviceRef": {"name": "adder"}, "inputJson": "x" * size},
        "status": {
            **({} if phase is None else {"phase": phase, "observedGeneration": 1, "service": service}),
            **status,
        },
    }


def service(**spec: JsonValue) -> JsonObject:
    """Return a service as the API server has it."""
    return {
        "metadata": {"name": "adder", "namespace": "team", "uid": "service"},
        "spec": {"runtime": {"docker": {"image": "adder:1"}}, **spec},
    }
