"""Whether a queue took the place of a run back: Kueue suspends the Job, and the Job controller deletes its pod. Pure.

A Job that is admitted again gets another pod. Before main was a process nothing is lost, and the run waits in its queue
as before. Afterwards it has ended, since a program never runs twice by accident.
"""

from datetime import datetime

from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_end import UNKNOWN_END


def was_preempted(job: JobView, pod: PodView | None, start_time: datetime | None) -> bool:
    """Tell whether the Job was suspended while main, which had started, had not ended.

    ``start_time`` is the recorded one. A program that had succeeded when anybody looked has succeeded.
    """
    if pod is None:
        # The stamps are of two clocks; either way the run has ended without its pod.
        return start_time is not None and (
            job.spec.suspend or (job.suspended_at is not None and job.suspended_at > start_time)
        )
    main, suspended = pod.main, job.suspended_at
    if main.running is None and main.terminated is None and start_time is None:
        return False
    if not _is_before(job, pod):
        return False
    if main.terminated is None:
        return True
    end = main.terminated
    if end.started_at is None and start_time is None:
        return False
    if end.exit_code == 0 or suspended is None:
        return False
    return end.finished_at is None or suspended <= end.finished_at


def is_of_before(job: JobView, pod: PodView) -> bool:
    """Tell whether the pod was made before the Job was suspended, and its main never was a process."""
    main = pod.main
    if main.running is not None or (main.terminated is not None and main.terminated.reason != UNKNOWN_END):
        return False
    return _is_before(job, pod)


def _is_before(job: JobView, pod: PodView) -> bool:
    """Tell whether the pod was made before the Job was suspended, which deletes it."""
    if job.spec.suspend:
        return True
    suspended = job.suspended_at
    if suspended is None or pod.metadata.deletion_timestamp is None:
        return False  # Stamps alone would not do: the Job controller's clock need not be the API server's
    # A Job that was resumed in the same second has made the pod since.
    return pod.metadata.creation_timestamp < suspended
