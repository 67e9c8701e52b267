"""Ends of runs whose program never started: init containers, refusing kubelets, deleted pods.

What the pods say was seen on a real cluster.
"""

import pytest

from serviceexecution.executions.reasons import MEANINGS, Reason
from serviceexecution.resources.executions.execution_status import Phase, StopReason
from serviceexecution.resources.meaning import Owner
from serviceexecution.resources.pods.observed import ContainerView
from serviceexecution.resources.pods.pod_start import StartFault, start_problem
from tests.unit.executions.builders import (
    LIMITS,
    condition,
    decided,
    ended,
    execution,
    job,
    often_tried_status,
    pod,
    recorded_job,
    running,
    started_status,
    status,
    stop_request,
    unscheduled,
    waiting,
)

INITIALIZING = waiting("PodInitializing")
PENDING = status(Phase.PENDING, "Starting", job=recorded_job(), attempts=1)
NOT_FOUND = "The container could not be located when the pod was terminated"
DELETED_WHILE_PULLING = pod(
    ended(137, since=None, until=None, reason="ContainerStatusUnknown", message=NOT_FOUND),
    ended(137),
    phase="Failed",
)
LOST = {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}
CPU = "Pod was rejected: Node didn't have enough resource: cpu, requested: 500000, used: 450, capacity: 2000"


def end_of(seen, **members):
    return decided(execution(PENDING), job=job(), pod=seen, now=20, **members).status


def test_a_failed_init_container_ends_the_run_with_its_name_its_exit_code_and_its_last_words():
    seen = pod(
        INITIALIZING, INITIALIZING, init={"fetch": ended(7, message="no such dataset\n")}, phase="Failed"
    )
    end = end_of(seen)
    assert (end.phase, end.reason) == (Phase.FAILED, Reason.INIT_CONTAINER_FAILED)
    assert end.message == (
        "An init container failed, so that the program was not started. "
        'The init container "fetch" ended with exit code 7: no such dataset'
    )
    assert MEANINGS[Reason.INIT_CONTAINER_FAILED].owner is Owner.USER


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ended(1), 'The init container "second" ended with exit code 1.'),
        (
            ended(137, reason="OOMKilled"),
            'The init container "second" used more memory than its limit and was killed.',
        ),
        (
            ended(128, reason="StartError", message="exec: no such file"),
            'The init container "second" could not run (StartError): exec: no such file',
        ),
    ],
)
def test_the_init_container_that_failed_is_named(state, words):
    seen = pod(INITIALIZING, INITIALIZING, init={"first": ended(0), "second": state}, phase="Failed")
    assert (end_of(seen).message or "").endswith(words)


def test_an_image_of_an_init_container_that_does_not_exist_is_said_with_its_name():
    seen = pod(
        INITIALIZING, INITIALIZING, init={"fetch": waiting("ErrImagePull", "busybox:nowhere: not found")}
    )
    problem = start_problem(seen, LIMITS)
    assert problem is not None
    assert (problem.reason, problem.limit) == (StartFault.IMAGE_NOT_FOUND, LIMITS.image_refused)
    assert problem.detail == 'The init container "fetch": busybox:nowhere: not found'


def test_a_start_timeout_names_the_init_container_that_still_runs():
    seen = pod(INITIALIZING, INITIALIZING, init={"fetch": running()})
    one = execution(PENDING, startTimeout="1m")
    end = decided(one, job=job(), pod=seen, now=90).status
    assert (end.reason, end.message) == (
        Reason.START_TIMEOUT,
        'The program did not start within spec.startTimeout. The init container "fetch" is running.',
    )


def test_a_pod_that_a_kubelet_refuses_says_so_and_that_nothing_has_run():
    refused = pod(phase="Failed", reason="OutOfcpu", message=CPU, attempt=4)
    end = decided(execution(often_tried_status()), job=job(attempt=4), pod=refused, now=20).status
    assert (end.phase, end.reason) == (Phase.FAILED, Reason.NODE_REFUSED)
    assert end.message == (
        f"The node refused the pod before the program started. OutOfcpu: {CPU} "
        "Nothing has run, so it can be submitted again. 4 attempts were made."
    )


def test_a_pod_that_is_deleted_before_it_has_a_node_ends_the_run_at_once():
    gone = pod(conditions=(condition("PodScheduled", "False"),), going=True, attempt=4)
    decision = decided(execution(often_tried_status()), job=job(attempt=4), pod=gone, now=20)
    assert decision.status.reason == Reason.NOT_STARTED
    assert "Nothing has run, so it can be submitted again." in (decision.status.message or "")
    assert decision.delete_job


def test_a_pod_on_its_node_that_is_being_deleted_is_waited_for_since_its_program_may_just_have_started():
    going = pod(waiting("ContainerCreating"), running(), going=True)
    assert end_of(going).phase is Phase.PENDING


def test_a_pod_that_is_deleted_while_its_image_is_pulled_was_not_lost_while_the_program_ran():
    end = end_of(DELETED_WHILE_PULLING)
    assert end.reason == Reason.NOT_STARTED
    assert end.exit_code is None


def test_the_same_end_of_a_program_that_was_seen_running_is_a_lost_pod():
    waits = decided(execution(started_status()), job=job(), pod=DELETED_WHILE_PULLING, now=4000).status
    assert (
        decided(execution(waits), job=job(), pod=DELETED_WHILE_PULLING, now=8000).status.reason
        == Reason.POD_LOST
    )


def test_a_pod_that_was_gone_before_anybody_looked_is_not_claimed_to_have_run():
    end = decided(execution(PENDING), job=job(ended="Failed"), now=20).status
    assert (end.reason, end.message) == (
        Reason.POD_LOST,
        "The pod was deleted or its node was lost before the program had ended. It was not seen to start.",
    )


@pytest.mark.parametrize("evicted", [False, True])
@pytest.mark.parametrize(
    "main",
    [
        {"state": {"waiting": {"reason": "PodInitializing"}}, "lastState": LOST},
        {"state": {"waiting": {"reason": "ContainerCreating"}}, "containerID": "containerd://1"},
        {"state": LOST, "containerID": "containerd://1"},
    ],
)
def test_a_container_that_its_node_had_made_is_not_claimed_never_to_have_run(main, evicted):
    """A node that went down finds no trace of it, and nobody had looked while it ran: it is not run again by itself."""
    containers = (ContainerView.model_validate({"name": "main", **main}),)
    seen = pod(phase="Failed", reason="Evicted" if evicted else "", message="It went down.")
    seen = seen.model_copy(
        update={"status": seen.status.model_copy(update={"container_statuses": containers})}
    )
    end = end_of(seen)
    assert (end.phase, end.reason) == (Phase.FAILED, Reason.EVICTED if evicted else Reason.POD_LOST)
    assert (end.message or "").endswith("It went down. It was not seen to start.")


def test_a_run_that_was_told_to_stop_is_cancelled_however_its_pod_ended():
    told = PENDING.model_copy(update={"stop_requested": stop_request(StopReason.CANCELLED)})
    assert (
        decided(execution(told, cancel=True), job=job(), pod=DELETED_WHILE_PULLING).status.phase
        is Phase.CANCELLED
    )


def test_a_pod_that_waits_for_a_node_is_no_pod_that_never_ran():
    assert not unscheduled("no room").never_ran
