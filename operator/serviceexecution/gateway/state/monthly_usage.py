"""What a service has used by month, as the APIs show it."""

from datetime import datetime
from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.store.store import ResultStore
from serviceexecution.store.usage.sums import MonthlyUsage

_GIBIBYTE_HOUR: Final = 1024 * 3600
"""In MiB seconds."""
_MOST_MONTHS: Final = 24


async def read_usage(
    store: ResultStore, namespace: str, service: str, month: str | None
) -> list[MonthlyUsage]:
    """Return the sums of one month, or of all that are kept, oldest first; raises Problem 400, StoreError."""
    if month is not None:
        return [await store.usage_sums.month(namespace, service, _checked(month))]
    months = await store.usage_sums.months(namespace, service)
    return [await store.usage_sums.month(namespace, service, one) for one in months[-_MOST_MONTHS:]]


def usage_document(service: str, months: list[MonthlyUsage]) -> JsonObject:
    """Return the answer. Pure."""
    return {"service": service, "months": [_month(one) for one in months]}


def _month(one: MonthlyUsage) -> JsonValue:
    document: JsonObject = {
        "month": one.month,
        "executions": one.executions,
        "failures": one.failures,
        "cancelled": one.cancelled,
        "cpuSeconds": one.cpu_milliseconds / 1000,
        "gibHours": round(one.mebibyte_seconds / _GIBIBYTE_HOUR, 6),
    }
    return {**document, "partial": True} if one.partial else document


def _checked(month: str) -> str:
    try:
        return datetime.strptime(month, "%Y-%m").strftime("%Y-%m")  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "BadRequest",
            "month must be a month such as 2026-11.",
            members={"path": "month"},
        ) from None
