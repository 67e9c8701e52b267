"""The gauges that follow from what is known, and not from what happens."""

import asyncio
from collections import Counter
from typing import Final

from serviceexecution.builds.revisions import active_of
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.metrics import BUILDS, EXECUTIONS, QUEUE_LENGTH, QUEUE_OLDEST
from serviceexecution.controller.work.keys import ExecutionKey
from serviceexecution.controller.work.queue import WorkQueue
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.resources.services.definition_status import RevisionPhase

GAUGE_SECONDS: Final = 10.0


async def measure(queue: WorkQueue[ExecutionKey], cache: ObjectCache) -> None:
    """Keep them true for ever."""
    while True:
        QUEUE_LENGTH.set(len(queue))
        QUEUE_OLDEST.set(queue.oldest_seconds())
        phases = Counter(execution.phase for execution in cache.executions.values())
        for phase in Phase:
            EXECUTIONS.labels(phase.value).set(phases[phase])
        EXECUTIONS.labels("Unknown").set(phases[None])
        active = [active_of(definition.status) for definition in cache.definitions.values()]
        for build in (RevisionPhase.PENDING, RevisionPhase.BUILDING):
            BUILDS.labels(build.value).set(sum(one is not None and one.phase is build for one in active))
        await asyncio.sleep(GAUGE_SECONDS)
