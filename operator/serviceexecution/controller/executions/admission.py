"""Which executions of a service with a concurrency may run: the oldest first, never more than it says."""

from dataclasses import dataclass, field
from typing import Final

from serviceexecution.controller.executions.past_runs import PastRuns
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.known.cached_execution import LiveExecution
from serviceexecution.controller.known.service_runs import Place, ServiceRuns, place_of
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.resources.executions.execution import ServiceExecution

FAILED_PASSES: Final = 3
"""In a row, after which an execution holds up nobody: its next passes may fail for ever."""

MOST_FAILING: Final = 10_000
"""Executions whose failed passes are counted."""


@dataclass(slots=True)
class Admission:
    """Knows which executions were let in; nothing else lets them in. A restart knows it from ``status.service``.

    Nothing here awaits: counting and letting in are one step for all workers. Nothing here looks at all executions of
    a service, but for those that were let in and are not recorded yet: at most one for each worker.
    """

    cache: ObjectCache
    past: PastRuns = field(default_factory=PastRuns)
    _admitted: dict[ServiceKey, dict[str, Place]] = field(default_factory=dict)
    """By uid, from being let in until the cache knows of ``status.service``."""
    _failures: dict[str, int] = field(default_factory=dict)
    """By uid: passes in a row that failed."""
    _aside: dict[ServiceKey, dict[str, Place]] = field(default_factory=dict)
    """By uid: those whose passes fail; the ones behind them do not wait for them."""

    def admit(self, execution: ServiceExecution, concurrency: int | None) -> int | None:
        """Let the execution in and return None, or return how many that wait come before it."""
        before = self.ahead(execution, concurrency)
        service = ServiceKey.of(execution)
        if before is None and service is not None and concurrency is not None:
            place = self._place_of(execution)
            if place is not None and execution.metadata.uid not in self.cache.executions_of(service).holding:
                self._admitted.setdefault(service, {})[execution.metadata.uid] = place
        return before

    def ahead(self, execution: ServiceExecution, concurrency: int | None) -> int | None:
        """Return how many that wait come before it, None when it may start; lets nobody in."""
        service = ServiceKey.of(execution)
        uid = execution.metadata.uid
        if concurrency is None or service is None or execution.status.service is not None:
            return None
        runs = self.cache.executions_of(service)
        admitted = self._let_in(service, runs)
        if uid in admitted or uid in runs.holding:
            return None
        place = self._place_of(execution)
        if place is None:
            return None
        passed = {**self._set_aside(service, runs), **admitted}
        before = runs.before(place) - sum(runs.waits(other) and one < place for other, one in passed.items())
        if len(runs.holding) + len(admitted) + before < concurrency:
            return None
        return before

    def release(self, execution: ServiceExecution) -> None:
        """Forget that it was let in: it cannot start after all."""
        service = ServiceKey.of(execution)
        admitted = self._admitted.get(service) if service is not None else None
        if admitted is not None and service is not None:
            admitted.pop(execution.metadata.uid, None)
            if not admitted:
                del self._admitted[service]

    def failed(self, execution: ServiceExecution) -> None:
        """Count a pass that failed. After some in a row the execution's place is the next one's."""
        service, uid = ServiceKey.of(execution), execution.metadata.uid
        if service is None or execution.status.service is not None:
            return
        if len(self._failures) >= MOST_FAILING:
            self._failures.clear()  # Of executions that are gone
        self._failures[uid] = self._failures.get(uid, 0) + 1
        place = self._place_of(execution)
        if self._failures[uid] >= FAILED_PASSES and place is not None:
            self.release(execution)
            self._aside.setdefault(service, {})[uid] = place
            self.cache.on_change(service, False)

    def worked(self, execution: ServiceExecution) -> None:
        """Note a pass that did not fail: the execution has its place again."""
        service, uid = ServiceKey.of(execution), execution.metadata.uid
        if self._failures.pop(uid, None) is not None and service in self._aside:
            self._aside[service].pop(uid, None)

    def next_keys(self, service: ServiceKey) -> list[ExecutionKey]:
        """Return which waiting executions can be let in now, the oldest first; none of a service without a limit."""
        definition = self.cache.definition(service)
        concurrency = definition.spec.concurrency if definition is not None else None
        if concurrency is None:
            return []
        return self._next(service, concurrency)

    def keys_after_change(self, service: ServiceKey) -> list[ExecutionKey]:
        """Return which executions a change of the service may let start, also those that lack something."""
        runs = self.cache.executions_of(service)
        definition = self.cache.definition(service)
        concurrency = definition.spec.concurrency if definition is not None else None
        return [*self._next(service, concurrency), *runs.lacking.values()]

    def _next(self, service: ServiceKey, concurrency: int | None) -> list[ExecutionKey]:
        runs = self.cache.executions_of(service)
        admitted = self._let_in(service, runs)
        room = len(runs.waiting) if concurrency is None else concurrency - len(runs.holding) - len(admitted)
        if room <= 0:
            return []
        passed = {**self._set_aside(service, runs), **admitted}
        candidates = runs.waiting[: room + len(passed)]
        return [runs.key_of(place) for place in candidates if place.uid not in passed][:room]

    def _let_in(self, service: ServiceKey, runs: ServiceRuns[ExecutionKey]) -> dict[str, Place]:
        """Return the executions that were let in and still wait, as far as is known; forget the others."""
        admitted = self._admitted.get(service)
        if admitted is None:
            return {}
        for uid in [uid for uid in admitted if not runs.waits(uid) and uid not in runs.lacking]:
            del admitted[uid]
        if not admitted:
            del self._admitted[service]
        return admitted

    def _set_aside(self, service: ServiceKey, runs: ServiceRuns[ExecutionKey]) -> dict[str, Place]:
        """Return the executions whose passes fail, as far as they still wait; forget the others."""
        aside = self._aside.get(service)
        if aside is None:
            return {}
        for uid in [uid for uid in aside if not runs.waits(uid)]:
            del aside[uid]
        if not aside:
            del self._aside[service]
        return aside

    def _place_of(self, execution: ServiceExecution) -> Place | None:
        key = ExecutionKey(execution.metadata.namespace, execution.metadata.name)
        known = self.cache.executions.get(key)
        if not isinstance(known, LiveExecution) or known.metadata.uid != execution.metadata.uid:
            return None
        return place_of(known)
