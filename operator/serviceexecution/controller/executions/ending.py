"""What is done about an execution that has ended, before its status says so: its Secret goes, its end is dated."""

from collections import OrderedDict
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from serviceexecution.contract.durations import DurationError, parse_duration
from serviceexecution.controller.clock import Clock
from serviceexecution.controller.store_reads import StoreReads
from serviceexecution.executions.usage_note import usage_note
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SECRETS
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import ExecutionStatus
from serviceexecution.resources.names import ANNOTATION_RUN_SECRET, ANNOTATION_RUN_SECRET_UID
from serviceexecution.store.errors import StoreError, StoreFullError, StoreUnwritableError
from serviceexecution.store.store import ResultStore
from serviceexecution.store.usage.sums import UsageNote

logger = structlog.stdlib.get_logger()

_RIGHT_SECONDS: Final = 5.0
"""For which a missing right is waited for: an API server that has just started may find it in a moment."""
_PAUSE_SECONDS: Final = 1.0
_COUNTED_AT_ONCE: Final = 10
_MOST_WAITING: Final = 10_000
"""Executions that wait for a right; the end of another is written at once."""


class Ending:
    """The steps that come before an end is written. A controller that was killed in between repeats both."""

    def __init__(
        self,
        client: KubernetesClient,
        store: ResultStore,
        clock: Clock,
        reads: StoreReads,
    ) -> None:
        self._clock = clock
        self._refused: dict[str, datetime] = {}
        """By uid of executions: when the right to delete their Secret was found missing."""
        self._uncounted: OrderedDict[str, tuple[str, str, datetime, UsageNote]] = OrderedDict()
        """By uid of executions that have ended, the newest last: whose and what."""
        self._ends: OrderedDict[str, datetime] = OrderedDict()
        """By uid: the end for which an execution was first counted. An end that cannot be written is decided anew each
        time, and must not count in two months."""
        self._client = client
        self._store = store
        self._reads = reads

    async def prepare(self, execution: ServiceExecution, status: ExecutionStatus) -> float | None:
        """Do what must be done before ``status``, which is terminal, is written.

        Return None when it is done, else after how many seconds to try again: no worker waits meanwhile. ``execution``
        has the spec that it ran with. Raises KubernetesError and StoreError that may pass.
        """
        if not await self._delete_secret(execution):
            return _PAUSE_SECONDS
        await self._date_results(execution, status)
        await self._count(execution, status)
        return None

    async def _delete_secret(self, execution: ServiceExecution) -> bool:
        """Return False while a right is missing that may still be found."""
        metadata = execution.metadata
        name, uid = _run_secret(execution)
        if name is None:
            return True
        try:
            await self._client.delete(SECRETS, metadata.namespace, name, uid=uid)
        except KubernetesError as error:
            if error.lacks_right and self._waits_for_right(metadata.uid):
                return False
            if error.retriable and not error.lacks_right:
                raise
            # No Secret of ours, or a right that is missing: the execution has ended nevertheless.
            logger.warning("the run's Secret was not deleted", secret=name, error=str(error))
        self._refused.pop(metadata.uid, None)
        return True

    def _waits_for_right(self, uid: str) -> bool:
        now = self._clock()
        if len(self._refused) >= _MOST_WAITING:
            self._refused.clear()  # Of executions that were deleted meanwhile
        return (now - self._refused.setdefault(uid, now)).total_seconds() < _RIGHT_SECONDS

    async def _count(self, execution: ServiceExecution, status: ExecutionStatus) -> None:
        """Count what was used for the service's month, and what could not be counted before.

        No end waits for it: what the store does not take now is tried again with the next ends.
        """
        service, ended = execution.spec.service_ref, status.completion_time
        if service is not None and ended is not None:
            metadata = execution.metadata
            note = usage_note(metadata.uid, status)
            ended = self._ends.setdefault(metadata.uid, ended)
            self._uncounted[metadata.uid] = (metadata.namespace, service.name, ended, note)
        failed = 0
        for one in [*self._uncounted.values()][-_COUNTED_AT_ONCE:] * 2:  # A lost request is no outage
            if one[-1].uid not in self._uncounted or failed > 1:
                continue
            try:
                await self._reads.ask(one[0], partial(self._store.usage_sums.note, *one))
            except StoreError as error:
                failed += 1
                logger.warning("usage not counted; it is tried again with the next end", error=str(error))
                continue
            self._uncounted.pop(one[-1].uid, None)
        for waiting in (self._uncounted, self._ends):
            while len(waiting) > _MOST_WAITING:
                waiting.popitem(last=False)

    async def _date_results(self, execution: ServiceExecution, status: ExecutionStatus) -> None:
        retention, ended = execution.spec.result_retention, status.completion_time
        if retention is None or ended is None:
            return
        try:
            seconds = parse_duration(retention, field="spec.resultRetention")
        except DurationError:
            return  # The plan has refused it: nothing has run
        metadata = execution.metadata
        try:
            until = ended + timedelta(seconds=seconds)
            await self._reads.ask(
                metadata.namespace,
                lambda: self._store.notes.write_expiry(metadata.namespace, metadata.uid, until),
            )
        except (StoreFullError, StoreUnwritableError) as error:
            # The results then live as long as the execution does, and are swept after it; a run that never ends, with
            # its Job and its pod, for want of a few bytes would be worse.
            logger.warning(
                "the end of the results was not dated: the store takes no writes", error=str(error)
            )


def _run_secret(execution: ServiceExecution) -> tuple[str | None, str | None]:
    """Return name and uid of the Secret that was made only for this run; its name is None when there is none.

    The maker of an execution writes its annotations. A Secret is therefore the run's only under the execution's own
    name, which the gateway gives to both; another run's Secret has that run's name. The uid may be missing: executions
    from before it was recorded have none, nor has one whose Secret an earlier try of the same request had made.
    """
    metadata = execution.metadata
    named = metadata.annotations.get(ANNOTATION_RUN_SECRET)
    if not named:
        return None, None
    if named != metadata.name:
        logger.warning("the run's Secret is left alone: it has not the execution's name", secret=named[:253])
        return None, None
    return named, metadata.annotations.get(ANNOTATION_RUN_SECRET_UID) or None
