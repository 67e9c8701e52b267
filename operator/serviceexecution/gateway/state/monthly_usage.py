"""What a service has used by month, as the APIs show it."""

from datetime import datetime
from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.fairness.turns import FairTurns, NoTurnError
from serviceexecution.gateway.caches.single_flight import SingleFlight
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.store.store import ResultStore
from serviceexecution.store.usage.sums import MonthlyUsage

_GIBIBYTE_HOUR: Final = 1024 * 3600
"""In MiB seconds."""
_MOST_MONTHS: Final = 24
_AT_ONCE: Final = 4
"""Requests whose objects are listed and counted at the same time; each may hold some 15 MB."""
_WAITING: Final = 50
_WAIT_SECONDS: Final = 10.0


class UsageReads:
    """Reads the sums. State owner of the turns: what is not folded yet of a month is up to 50,000 objects."""

    def __init__(self, store: ResultStore) -> None:
        self._sums = store.usage_sums
        self._turns = FairTurns(_AT_ONCE, per_key=max(1, _AT_ONCE // 2), waiting_per_key=_WAITING)
        self._reads: SingleFlight[tuple[str, str, str | None], list[MonthlyUsage]] = SingleFlight()

    async def read(self, namespace: str, service: str, month: str | None) -> list[MonthlyUsage]:
        """Return the sums of one month, or of all that are kept, oldest first; raises Problem 400, 503, StoreError."""
        checked = None if month is None else _checked(month)
        key = (namespace, service, checked)
        return await self._reads.ask(key, lambda: self._in_turn(*key))

    async def _in_turn(self, namespace: str, service: str, month: str | None) -> list[MonthlyUsage]:
        try:
            async with self._turns.turn(namespace, wait=_WAIT_SECONDS):
                months = (month,) if month is not None else await self._sums.months(namespace, service)
                return [await self._sums.month(namespace, service, one) for one in months[-_MOST_MONTHS:]]
        except NoTurnError:
            raise unavailable(
                "TooManyReads", "Too many sums of this namespace's usage are being read; try again."
            ) from None


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
