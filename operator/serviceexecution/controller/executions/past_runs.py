"""How long the last runs of each service took, as this controller has seen them end."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final

from serviceexecution.controller.work.keys import ServiceKey
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase

KEPT_RUNS: Final = 30
"""The last runs of a service that an estimate is made from."""
KEPT_SERVICES: Final = 2000
"""Beyond it the service goes that has not run for longest."""


class PastRuns:
    """State owner. A restart forgets it: then nothing is estimated until some runs have ended."""

    def __init__(self) -> None:
        self._seconds: OrderedDict[ServiceKey, deque[int]] = OrderedDict()

    def note(self, execution: ServiceExecution, status: ExecutionStatus) -> None:
        """Take an end that was written; a run that was cancelled says nothing of the next ones."""
        service = ServiceKey.of(execution)
        seconds = None if status.usage is None else status.usage.run_seconds
        if service is None or seconds is None or status.phase is Phase.CANCELLED:
            return
        self._seconds.setdefault(service, deque(maxlen=KEPT_RUNS)).append(seconds)
        self._seconds.move_to_end(service)
        if len(self._seconds) > KEPT_SERVICES:
            self._seconds.popitem(last=False)

    def of(self, service: ServiceKey) -> Sequence[int]:
        """Return the seconds of a service's last runs."""
        return self._seconds.get(service, ())
