"""What the store may still have of a run that the API server knows nothing of: etcd was restored from a snapshot."""

from dataclasses import dataclass

from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import Decision, finish
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.store.records import LogRecord, OutputManifest


@dataclass(frozen=True, slots=True)
class Run:
    """Whose records count: those of this attempt, and of this pod once it is known."""

    attempt: int
    pod_uid: str | None


def end_of_earlier_run(seen: Observation) -> Decision:
    """End an execution that never ran as far as the API server knows, with what the store has of its run.

    How the program ended is not in the store, and a program never runs twice.
    """
    found = [record.attempt for record in (seen.manifest, seen.log) if record is not None]
    known = seen.status.attempts or 0
    if max(found, default=1) > max(known, 1):
        seen = seen.with_status(attempts=max(found))
    return finish(seen, Phase.FAILED, Reason.RAN_BEFORE)


def run_of(seen: Observation) -> Run:
    """Return whose records count: those of another attempt or pod are not this run's."""
    pod_uid = None if seen.status.pod is None else seen.status.pod.uid
    if seen.pod is not None:
        pod_uid = seen.pod.metadata.uid
    return Run(seen.status.attempts or 1, pod_uid)


def is_of_run(run: Run | None, record: OutputManifest | LogRecord) -> bool:
    """Tell whether a record is of that run; None stands for whichever there is."""
    return run is None or (record.attempt == run.attempt and run.pod_uid in {None, record.pod_uid})
