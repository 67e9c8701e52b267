"""A running program: what is said, cancel, timeout."""

import pytest

from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import Phase, StopReason
from tests.unit.executions.builders import (
    at,
    condition,
    decided,
    execution,
    job,
    pod,
    recorded_job,
    recorded_pod,
    running,
    started_status,
    status,
    stop_request,
    waiting,
)

RUNS = pod(running(), running())


def test_the_start_of_main_is_the_start_of_the_execution():
    told = status(Phase.PENDING, "Starting", job=recorded_job(), attempts=1)
    decision = decided(execution(told), job=job(), pod=RUNS)
    assert (decision.status.phase, decision.status.reason) == (Phase.RUNNING, Reason.RUNNING)
    assert decision.status.start_time == at(5)
    assert decision.status.pod == recorded_pod()
    assert decision.follow_log == recorded_pod()
    assert decision.wake_after is None
    assert not decision.stop_pod
    assert not decision.delete_job


def test_main_counts_not_the_collector():
    decision = decided(job=job(), pod=pod(waiting(), running()), now=10)
    assert decision.status.phase is Phase.PENDING
    assert decision.follow_log is None


def test_a_running_execution_stays_as_it_is_written():
    first = decided(job=job(), pod=RUNS, now=6).status
    assert decided(execution(first), job=job(), pod=RUNS, now=4000).status == first


def test_a_change_of_the_spec_is_observed():
    first = decided(job=job(), pod=RUNS, now=6).status
    decision = decided(execution(first, generation=2, tags=["a"]), job=job(), pod=RUNS, now=60)
    assert decision.status.observed_generation == 2
    assert {one.observed_generation for one in decision.status.conditions} == {2}
    assert [one.last_transition_time for one in decision.status.conditions] == [at(6)] * 6


def test_cancel_is_recorded_before_the_pod_is_stopped():
    decision = decided(execution(started_status(), cancel=True), job=job(), pod=RUNS, now=8)
    assert (decision.status.phase, decision.status.reason) == (Phase.RUNNING, Reason.STOPPING)
    assert decision.status.stop_requested == stop_request()
    assert decision.stop_pod
    assert not decision.delete_job, "the log would go with it"
    assert decision.follow_log is not None


def test_a_pod_is_told_to_stop_once():
    told = started_status(stop_requested=stop_request())
    seen = pod(running(), running(), deadline=1)
    decision = decided(execution(told, cancel=True), job=job(), pod=seen)
    assert not decision.stop_pod
    assert decision.status.stop_requested == stop_request()


def test_a_stop_that_was_recorded_but_not_done_is_done():
    told = started_status(stop_requested=stop_request())
    seen = pod(running(), running(), deadline=7200)
    assert decided(execution(told, cancel=True), job=job(), pod=seen).stop_pod


@pytest.mark.parametrize(("now", "left"), [(6, 9), (14.5, 0.5)])
def test_the_timeout_counts_from_the_start_of_main(now, left):
    decision = decided(execution(started_status(), timeout="10s"), job=job(), pod=RUNS, now=now)
    assert decision.status.reason == Reason.RUNNING
    assert decision.wake_after == pytest.approx(left)


def test_at_the_timeout_the_program_is_stopped():
    decision = decided(execution(started_status(), timeout="10s"), job=job(), pod=RUNS, now=15)
    assert decision.status.reason == Reason.STOPPING
    assert decision.status.stop_requested == stop_request(StopReason.TIMEOUT, seconds=15)
    assert decision.stop_pod


def test_a_controller_that_was_away_stops_a_program_that_is_long_over_time():
    told = status(Phase.PENDING, "Starting", job=recorded_job(), attempts=1)
    decision = decided(execution(told, timeout="10s"), job=job(), pod=RUNS, now=50_000)
    assert decision.stop_pod
    assert decision.status.start_time == at(5)


def test_the_first_reason_to_stop_stays():
    told = started_status(stop_requested=stop_request(StopReason.TIMEOUT, seconds=15))
    decision = decided(execution(told, timeout="10s", cancel=True), job=job(), pod=RUNS)
    assert decision.status.stop_requested == told.stop_requested


def test_without_a_timeout_a_program_may_run_for_ever():
    decision = decided(execution(started_status()), job=job(), pod=RUNS, now=10**8)
    assert decision.status.reason == Reason.RUNNING


class TestAJobDeletedByOthers:
    def test_while_the_program_still_runs_its_log_is_followed(self):
        decision = decided(execution(started_status()), pod=RUNS)
        assert (decision.status.phase, decision.status.reason) == (Phase.RUNNING, Reason.STOPPING)
        assert decision.follow_log == recorded_pod()
        assert not decision.create

    def test_with_job_and_pod_gone_the_log_is_waited_for(self):
        decision = decided(execution(started_status()))
        assert decision.status.reason == Reason.COLLECTING
        assert decision.follow_log == recorded_pod()


SILENT = (condition("Ready", "False", since=60), condition("ContainersReady", since=6))
"""A pod's conditions after its node fell silent: Kubernetes says of the pod what its kubelet does not."""
SAID = ' Its node "node-1" has not been ready since 2026-03-01T12:01:00Z, so that what is said here may be out of date.'


def test_a_running_execution_says_that_its_node_is_silent():
    silent = pod(running(), running(), conditions=SILENT)
    decision = decided(execution(started_status()), job=job(), pod=silent, now=70)
    assert (decision.status.phase, decision.status.reason) == (Phase.RUNNING, Reason.RUNNING)
    assert decision.status.message == f"The program is running.{SAID}"
    later = decided(execution(decision.status), job=job(), pod=silent, now=90).status
    assert later == decision.status, "it is written once"
    back = decided(execution(later), job=job(), pod=RUNS, now=100).status
    assert back.message == "The program is running."
    assert back.since == decision.status.since


def test_an_execution_that_is_stopped_says_that_its_node_is_silent():
    silent = pod(running(), running(), conditions=SILENT)
    stopping = execution(started_status(stop_requested=stop_request()), cancel=True)
    decision = decided(stopping, job=job(), pod=silent, now=70)
    assert decision.status.message == f"The program is being stopped.{SAID}"


def test_what_a_kubelet_says_of_readiness_is_not_silence():
    gates = condition("Ready", "False", since=60).model_copy(update={"reason": "ReadinessGatesNotReady"})
    ended = (condition("Ready", "False", since=60), condition("ContainersReady", "False", since=60))
    for conditions in ((gates, SILENT[1]), ended, (SILENT[0],), (condition("Ready"), SILENT[1])):
        seen = pod(running(), running(), conditions=conditions)
        decision = decided(execution(started_status()), job=job(), pod=seen, now=70)
        assert decision.status.message == "The program is running."
