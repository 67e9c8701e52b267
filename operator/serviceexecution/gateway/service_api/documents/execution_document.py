"""An execution as the Service API shows it. Pure.

Source: ``openapi-service.yaml`` v1.4.1 in the qhub-commons package, and what the real clients accept.
"""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.known_usage import usage_document
from serviceexecution.resources.executions.execution_status import Phase

STATUSES: Final = {
    None: "PENDING",
    Phase.PENDING: "PENDING",
    Phase.RUNNING: "RUNNING",
    Phase.SUCCEEDED: "SUCCEEDED",
    Phase.FAILED: "FAILED",
    Phase.CANCELLED: "CANCELLED",
}
_SAFE_IN_PATH: Final = "/!$&'()*+,;=:@"


def execution_document(execution: KnownExecution, api_id: str, definition_uid: str | None) -> JsonObject:
    """Return the ServiceExecution of the API; what has no value is left out, since clients take no null.

    ``api_id`` is its id in the API, ``definition_uid`` that of the service as it is today, for executions that have not
    taken from it yet.
    """
    taken = execution.service_uid or definition_uid
    view: JsonObject = {
        "id": api_id,
        "createdAt": timestamp(execution.created),
        "startedAt": timestamp(execution.start_time),
        "endedAt": timestamp(execution.completion_time),
        "status": STATUSES[execution.phase],
        "type": "MANAGED",
        "serviceId": taken,
        "serviceDefinitionId": taken,
        "attempts": execution.attempts if (execution.attempts or 1) > 1 else None,
        "usage": usage_document(execution.usage),
    }
    tags: list[JsonValue] = list(execution.tags)
    return {**{name: value for name, value in view.items() if value is not None}, "tags": tags}


def timestamp(value: datetime | None) -> str | None:
    """Return the platform's form of a time, ``YYYY-MM-DD HH:MM:SS`` in UTC."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def file_link(result: str, path: str) -> str:
    """Return the URL of an output file below that of the result."""
    return f"{result}/{quote(path, safe=_SAFE_IN_PATH)}"
