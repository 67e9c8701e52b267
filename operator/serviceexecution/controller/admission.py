"""Which executions of a service with a concurrency may run: the oldest first, never more than it says."""

from dataclasses import dataclass, field

from serviceexecution.controller.cache import ExecutionKey, ObjectCache, ServiceKey
from serviceexecution.controller.decision.reasons import Reason
from serviceexecution.resources.execution import ServiceExecution


@dataclass(slots=True)
class Admission:
    """The one owner of who was let in. What status says (``status.service``) is what a restart knows again.

    Nothing here awaits: counting and letting in are one step for all workers.
    """

    cache: ObjectCache
    _admitted: dict[str, ServiceKey] = field(default_factory=dict)
    """By uid, from being let in until the cache knows of ``status.service``."""

    def admit(self, execution: ServiceExecution, concurrency: int | None) -> int | None:
        """Let the execution in and return None, or return how many come before it, those that run included."""
        service = ServiceKey.of(execution)
        uid = execution.metadata.uid
        if concurrency is None or service is None or self._holds(execution):
            return None
        active = self.cache.active(service)
        running = sum(self._holds(one) for one in active)
        place = _order(execution)
        before = sum(not self._holds(one) and _waits(one) and _order(one) < place for one in active)
        if running + before < concurrency:
            self._admitted[uid] = service
            return None
        return before

    def release(self, execution: ServiceExecution) -> None:
        """Forget that it was let in: it cannot start after all."""
        self._admitted.pop(execution.metadata.uid, None)

    def next_keys(self, service: ServiceKey) -> list[ExecutionKey]:
        """Return which waiting executions can be let in now, the oldest first."""
        active = self.cache.active(service)
        alive = {one.metadata.uid for one in active}
        for uid, owner in list(self._admitted.items()):
            if owner == service and uid not in alive:
                del self._admitted[uid]
        waiting = sorted((one for one in active if not self._holds(one) and _waits(one)), key=_order)
        definition = self.cache.definition(service)
        concurrency = definition.spec.concurrency if definition is not None else None
        if concurrency is not None:
            waiting = waiting[: max(0, concurrency - sum(self._holds(one) for one in active))]
        return [ExecutionKey(one.metadata.namespace, one.metadata.name) for one in waiting]

    def _holds(self, execution: ServiceExecution) -> bool:
        return execution.status.service is not None or execution.metadata.uid in self._admitted


def _waits(execution: ServiceExecution) -> bool:
    """Tell whether it is in the queue, or new: one that lacks something holds nobody up."""
    return (
        execution.metadata.deletion_timestamp is None
        and not execution.spec.cancel
        and (execution.status.phase is None or execution.status.reason == Reason.QUEUED)
    )


def _order(execution: ServiceExecution) -> tuple[str, str]:
    return execution.metadata.creation_timestamp.isoformat(), execution.metadata.name
