"""What the store may still have of a run that the API server knows nothing of: etcd was restored from a snapshot."""

from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import Decision, finish
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import Phase


def end_of_earlier_run(seen: Observation) -> Decision:
    """End an execution that never ran as far as the API server knows, with what the store has of its run.

    How the program ended is not in the store, and a program never runs twice.
    """
    return finish(seen, Phase.FAILED, Reason.RAN_BEFORE)


def pod_of(seen: Observation) -> str | None:
    """Return the uid of the run's pod, None while it is not known: records of another pod are not this run's."""
    if seen.pod is not None:
        return seen.pod.metadata.uid
    return None if seen.status.pod is None else seen.status.pod.uid
