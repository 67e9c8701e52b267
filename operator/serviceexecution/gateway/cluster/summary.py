"""What goes on in all namespaces, counted from what the watches have told. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.queues import waits_for
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.resources.services.definition_status import Revision, RevisionPhase, ServicePhase

MOST_LISTED: Final = 20
"""Entries of each list: who reads it wants the worst, and whoever makes many makes the answer no longer."""
FAILED_WITHIN: Final = timedelta(days=7)


@dataclass(slots=True)
class _Namespace:
    running: int = 0
    waiting: int = 0
    oldest: datetime | None = None
    """Since when the one waits that has waited longest."""


@dataclass(slots=True)
class _Failing:
    count: int
    newest: KnownExecution


def executions_summary(
    executions: Sequence[KnownExecution], now: datetime, id_of: Callable[[KnownExecution], str]
) -> JsonObject:
    """Return how many run and wait, for what and where, and which fail most."""
    namespaces: defaultdict[str, _Namespace] = defaultdict(_Namespace)
    waits: Counter[str] = Counter()
    failing: dict[tuple[str, str, str], _Failing] = {}
    for one in executions:
        if one.has_ended:
            _count_failure(failing, one, now)
        elif one.phase is Phase.RUNNING:
            namespaces[one.namespace].running += 1
        else:
            waits[waits_for(one) or "start"] += 1
            place = namespaces[one.namespace]
            place.waiting += 1
            place.oldest = min(place.oldest or one.created, one.created)
    return {
        "kept": len(executions),
        "running": sum(one.running for one in namespaces.values()),
        "waiting": sum(waits.values()),
        "waitsFor": dict(waits.most_common()),
        "namespaces": _busiest(namespaces),
        "failing": _most_failing(failing, id_of),
    }


def services_summary(definitions: Iterable[KnownDefinition]) -> JsonObject:
    """Return how many services there are, which cannot run, and how builds go."""
    total, not_ready = 0, 0
    builds: dict[RevisionPhase, list[tuple[KnownDefinition, Revision]]] = defaultdict(list)
    for one in definitions:
        total += 1
        not_ready += one.status.phase is not ServicePhase.READY
        for number, revision in enumerate(one.status.revisions):
            if not revision.phase.terminal or (number == 0 and revision.phase is RevisionPhase.FAILED):
                builds[revision.phase].append((one, revision))
    return {
        "services": {"total": total, "notReady": not_ready},
        "builds": {
            "waiting": len(builds[RevisionPhase.PENDING]),
            "running": len(builds[RevisionPhase.BUILDING]),
            "failed": len(builds[RevisionPhase.FAILED]),
            "newest": _newest_builds([*builds[RevisionPhase.BUILDING], *builds[RevisionPhase.FAILED]]),
        },
    }


def _count_failure(failing: dict[tuple[str, str, str], _Failing], one: KnownExecution, now: datetime) -> None:
    if one.phase is not Phase.FAILED or now - _ended(one) > FAILED_WITHIN:
        return
    key = (one.namespace, one.service, one.reason or "")
    known = failing.get(key)
    if known is None:
        failing[key] = _Failing(1, one)
        return
    known.count += 1
    if _ended(one) > _ended(known.newest):
        known.newest = one


def _ended(one: KnownExecution) -> datetime:
    return one.completion_time or one.created


def _busiest(namespaces: dict[str, _Namespace]) -> list[JsonValue]:
    order = sorted(namespaces.items(), key=lambda item: (-item[1].waiting, -item[1].running, item[0]))
    return [
        {
            "namespace": name,
            "running": one.running,
            "waiting": one.waiting,
            **({} if one.oldest is None else {"waitsSince": one.oldest.isoformat()}),
        }
        for name, one in order[:MOST_LISTED]
    ]


def _most_failing(
    failing: dict[tuple[str, str, str], _Failing], id_of: Callable[[KnownExecution], str]
) -> list[JsonValue]:
    order = sorted(failing.items(), key=lambda item: (-item[1].count, item[0]))
    return [
        {
            "namespace": namespace,
            "service": service,
            "reason": reason,
            "count": one.count,
            "newest": id_of(one.newest),
            "newestAt": _ended(one.newest).isoformat(),
        }
        for (namespace, service, reason), one in order[:MOST_LISTED]
    ]


def _newest_builds(builds: list[tuple[KnownDefinition, Revision]]) -> list[JsonValue]:
    """Return those that run, and behind them those that have failed, the newest first."""
    known = [(one, revision, _build_time(revision)) for one, revision in builds]
    known.sort(key=lambda item: item[2].timestamp() if item[2] else 0.0, reverse=True)
    known.sort(key=lambda item: item[1].phase.terminal)
    return [
        {
            "namespace": one.metadata.namespace,
            "service": one.metadata.name,
            "serviceId": one.metadata.uid,
            "revision": revision.name,
            "phase": revision.phase.value,
            **({"reason": revision.reason} if revision.reason else {}),
            **({"time": time.isoformat()} if time else {}),
        }
        for one, revision, time in known[:MOST_LISTED]
    ]


def _build_time(revision: Revision) -> datetime | None:
    return revision.completion_time or revision.build_time or revision.start_time
