"""A queue takes the place of a run back: Kueue suspends the Job, and the Job controller deletes its pod.

What Job and pod say in this order was seen on a real cluster.
"""

from typing import Any

import pytest

from serviceexecution.executions.reasons import MEANINGS, Reason
from serviceexecution.resources.executions.execution_status import Phase, StopReason
from serviceexecution.resources.meaning import Owner
from tests.unit.executions.builders import (
    decided,
    ended,
    execution,
    file,
    job,
    log,
    main_output,
    manifest,
    pod,
    recorded_job,
    running,
    started_status,
    status,
    waiting,
)

QUEUE: dict[str, Any] = {"queueName": "small"}
KEPT: dict[str, Any] = {"manifest": manifest(file()), "log": log(), "output": main_output()}
PENDING = status(Phase.PENDING, "Starting", job=recorded_job(), attempts=1)
LOST = ended(137, since=None, until=None, reason="ContainerStatusUnknown")


def decide(told, **seen):
    return decided(execution(told, **QUEUE), **seen)


class TestARunThatHasNotStarted:
    @pytest.mark.parametrize(
        "seen",
        [
            None,
            pod(waiting(), waiting(), going=True),
            pod(waiting("ImagePullBackOff"), running(), going=True),
            pod(LOST, ended(137), going=True, phase="Failed"),
            pod(going=True),
        ],
    )
    def test_it_waits_in_its_queue_again_however_long(self, seen):
        decision = decide(PENDING, job=job(suspended=True, queued_at=10), pod=seen, now=100_000)
        assert (decision.status.phase, decision.status.reason) == (Phase.PENDING, Reason.QUEUED)
        assert not decision.delete_job

    @pytest.mark.parametrize("left", [pod(LOST, ended(137), going=True, phase="Failed"), pod(going=True)])
    def test_it_starts_when_it_is_admitted_again_though_the_old_pod_is_still_there(self, left):
        decision = decide(PENDING, job=job(started=50, queued_at=50), pod=left, now=51)
        assert (decision.status.phase, decision.status.reason) == (Phase.PENDING, Reason.STARTING)

    def test_a_cancel_ends_it(self):
        one = execution(PENDING, cancel=True, **QUEUE)
        decision = decided(one, job=job(suspended=True, queued_at=10))
        assert decision.delete_job
        assert decision.status.stop_requested is not None


class TestARunThatHasStarted:
    def test_its_end_is_a_preemption_and_it_is_not_run_again(self):
        told = started_status()
        stopping = decide(told, job=job(suspended=True), pod=pod(running(), running(), going=True), now=20)
        assert stopping.status.reason == Reason.STOPPING
        assert stopping.status.stop_requested is not None
        assert stopping.status.stop_requested.reason is StopReason.PREEMPTED
        assert stopping.follow_log is not None
        over = pod(ended(143, until=21), ended(until=22), going=True, phase="Failed")
        end = decide(stopping.status, job=job(suspended=True, queued_at=20), pod=over, now=23, **KEPT)
        assert (end.status.phase, end.status.reason) == (Phase.FAILED, Reason.PREEMPTED)
        assert end.status.message == (
            "The queue took the run's place back while the program ran. "
            "A program is not run again by itself: submit it again if it may be."
        )
        assert end.status.result is not None
        assert end.delete_job
        assert MEANINGS[Reason.PREEMPTED].owner is Owner.QUOTA

    @pytest.mark.parametrize("resumed", [False, True])
    def test_it_is_said_also_when_the_pod_is_gone_and_the_job_is_admitted_again(self, resumed):
        again = job(suspended=not resumed, queued_at=50)
        end = decide(started_status(), job=again, pod=None, log=log(complete=False), now=60).status
        assert (end.phase, end.reason) == (Phase.FAILED, Reason.PREEMPTED)

    def test_it_is_said_also_when_nobody_saw_the_program_run(self):
        over = pod(ended(143, until=21), ended(until=22), going=True, phase="Failed")
        end = decide(PENDING, job=job(suspended=True, queued_at=20), pod=over, now=40, **KEPT).status
        assert end.reason == Reason.PREEMPTED

    def test_a_program_that_had_succeeded_before_has_succeeded(self):
        over = pod(ended(0, until=15), running(), going=True)
        end = decide(started_status(), job=job(suspended=True, queued_at=20), pod=over, now=22, **KEPT).status
        assert end.phase is Phase.SUCCEEDED

    def test_a_program_that_had_failed_before_has_failed(self):
        over = pod(ended(3, until=15), running(), going=True)
        end = decide(started_status(), job=job(suspended=True, queued_at=20), pod=over, now=22, **KEPT).status
        assert end.reason == Reason.PROGRAM_FAILED


@pytest.mark.parametrize("clock", [-3600, 0, 3600])
def test_a_run_that_its_queue_has_admitted_once_is_no_preempted_one_whatever_the_clock_of_its_node(clock):
    told = started_status(start_time=None, pod=None)
    seen = pod(running(clock + 5), running(clock + 5))
    decision = decide(told, job=job(started=2, queued_at=2), pod=seen, now=clock + 20)
    assert (decision.status.phase, decision.status.reason) == (Phase.RUNNING, Reason.RUNNING)


def test_a_new_pod_is_none_of_before_though_the_job_controllers_clock_is_ahead():
    told = started_status(start_time=None, pod=None)
    decision = decide(told, job=job(started=3602, queued_at=3602), pod=pod(running(5), running(5)), now=20)
    assert (decision.status.phase, decision.status.reason) == (Phase.RUNNING, Reason.RUNNING)
