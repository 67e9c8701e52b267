"""From a new execution to its program's start, and all that can keep it from starting."""

import pytest

from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.reasons import MEANINGS, Reason
from serviceexecution.resources.executions.execution_status import Phase, StopReason
from serviceexecution.resources.pods.pod_start import StartFault, StartProblem
from tests.unit.executions.builders import (
    JOB_NAME,
    JOB_UID,
    at,
    condition,
    decided,
    ended,
    execution,
    job,
    often_tried_status,
    pod,
    recorded_job,
    running,
    status,
    stop_request,
    unscheduled,
    waiting,
)


def pending(reason: Reason = Reason.STARTING, message: str | None = None, **members):
    known = {"job": recorded_job(), "attempts": 1, "message": message or MEANINGS[reason].sentence}
    return status(Phase.PENDING, reason, **{**known, **members})


def test_a_new_execution_gets_its_children_and_no_status_yet():
    decision = decided(now=0)
    assert decision.create
    assert decision.status.phase is None


def test_an_execution_that_is_being_deleted_is_left_alone():
    decision = decided(execution(deleted=True))
    assert not decision.create
    assert decision.status.phase is None
    assert decision.wake_after is None


def test_a_created_job_is_recorded_at_once():
    decision = decided(job=job(), now=1)
    assert not decision.create
    assert decision.status.phase is Phase.PENDING
    assert decision.status.reason == Reason.STARTING
    assert decision.status.job is not None
    assert (decision.status.job.name, decision.status.job.uid) == (JOB_NAME, JOB_UID)
    assert decision.status.attempts == 1
    assert decision.status.start_time is None


def test_a_recorded_job_that_is_gone_is_never_created_again():
    decision = decided(execution(pending()))
    assert not decision.create
    assert (decision.status.phase, decision.status.reason) == (Phase.FAILED, Reason.JOB_DELETED)


def test_a_suspended_job_waits_in_its_queue_without_a_limit():
    decision = decided(execution(queueName="small"), job=job(suspended=True), now=86_400)
    assert (decision.status.phase, decision.status.reason) == (Phase.PENDING, Reason.QUEUED)
    assert '"small"' in (decision.status.message or "")


def test_the_start_timeout_counts_from_when_the_queue_let_the_job_run():
    admitted = job(created=1, started=5000, queued_at=5000)
    told = execution(pending(since=at(5000)))
    assert decided(told, job=admitted, now=5599).status.phase is Phase.PENDING
    late = decided(told, job=admitted, now=5601)
    assert (late.status.phase, late.status.reason) == (Phase.FAILED, Reason.START_TIMEOUT)
    assert late.delete_job


def test_the_start_timeout_of_a_pod_counts_from_its_placement():
    placed = pod(waiting(), conditions=(condition("PodScheduled", since=100),))
    assert decided(job=job(), pod=placed, now=699).status.phase is Phase.PENDING
    assert decided(job=job(), pod=placed, now=701).status.reason == Reason.START_TIMEOUT


def test_the_start_timeout_can_be_set_and_names_the_newest_warning():
    decision = decided(
        execution(startTimeout="30s"), job=job(), pod=pod(waiting()), now=33, warning="MountVolume failed"
    )
    assert decision.status.reason == Reason.START_TIMEOUT
    assert (decision.status.message or "").endswith("MountVolume failed")


@pytest.mark.parametrize(
    ("seen", "reason", "limit"),
    [
        (pod(waiting("CreateContainerConfigError", 'secret "a" not found')), Reason.SECRET_NOT_FOUND, 60),
        (
            pod(waiting("CreateContainerConfigError", "couldn't find key k in Secret team/a")),
            Reason.SECRET_KEY_NOT_FOUND,
            60,
        ),
        (pod(waiting("ErrImagePull", "registry.example/a:1: not found")), Reason.IMAGE_NOT_FOUND, 120),
        (pod(waiting("ErrImagePull", "401 Unauthorized")), Reason.IMAGE_PULL_FORBIDDEN, 120),
        (pod(waiting("ErrImagePull", "connection refused")), Reason.IMAGE_PULL_FAILED, 600),
        (pod(waiting("CreateContainerError", "no such device")), Reason.START_FAILED, 60),
        (unscheduled('persistentvolumeclaim "data" not found.'), Reason.VOLUME_CLAIM_NOT_FOUND, 60),
        (unscheduled("pod has unbound immediate PersistentVolumeClaims"), Reason.VOLUME_NOT_BOUND, 600),
        (unscheduled("0/3 nodes are available: 3 Insufficient cpu."), Reason.UNSCHEDULABLE, 600),
    ],
)
def test_every_cause_has_its_reason_and_its_limit(seen, reason, limit):
    told = execution(pending(reason, since=at(2)))
    early = decided(told, job=job(), pod=seen, now=2 + limit - 1)
    assert (early.status.phase, early.status.reason) == (Phase.PENDING, reason)
    assert early.wake_after == pytest.approx(1)
    assert not early.delete_job
    late = decided(told, job=job(), pod=seen, now=2 + limit)
    assert (late.status.phase, late.status.reason) == (Phase.FAILED, reason)
    assert (late.status.message or "").startswith(MEANINGS[reason].sentence)
    assert late.delete_job


def test_a_short_start_timeout_bounds_every_cause():
    forbidden = pod(waiting("ErrImagePull", "denied"))
    decision = decided(execution(startTimeout="10s"), job=job(), pod=forbidden, now=12)
    assert (decision.status.phase, decision.status.reason) == (Phase.FAILED, Reason.IMAGE_PULL_FORBIDDEN)


def test_an_image_name_that_is_none_fails_at_once():
    bad = pod(waiting("InvalidImageName", 'couldn\'t parse image name "A B"'))
    assert decided(job=job(), pod=bad, now=3).status.reason == Reason.INVALID_IMAGE_NAME
    assert decided(job=job(), pod=bad, now=3).status.phase is Phase.FAILED


def test_between_two_tries_of_a_pull_the_cause_found_before_stays():
    told = pending(
        Reason.IMAGE_NOT_FOUND, "The image does not exist in its registry. a:1: not found", since=at(2)
    )
    backing_off = pod(waiting("ImagePullBackOff", "Back-off pulling image"))
    between = decided(execution(told), job=job(), pod=backing_off, now=60)
    assert between.status.reason == Reason.IMAGE_NOT_FOUND
    assert between.status.message == told.message
    late = decided(execution(told), job=job(), pod=backing_off, now=122)
    assert (late.status.phase, late.status.message) == (Phase.FAILED, told.message)


def test_the_same_cause_in_other_words_is_no_new_status():
    seen = pod(waiting("ErrImagePull", "a:1: not found (try 1)"))
    first = decided(job=job(), pod=seen, now=5).status
    other = pod(waiting("ErrImagePull", "a:1: not found (try 2)"))
    assert decided(execution(first), job=job(), pod=other, now=9).status == first


@pytest.mark.parametrize(
    ("problem", "limit"),
    [
        (StartProblem(StartFault.QUOTA_EXCEEDED, "exceeded quota: small", None), 600),
        (StartProblem(StartFault.POD_REFUSED, "violates PodSecurity", 60), 60),
    ],
)
def test_a_pod_that_cannot_be_created_says_why(problem, limit):
    told = execution(pending(Reason(problem.reason), since=at(1)))
    early = decided(told, job=job(), creation_problem=problem, now=limit)
    assert (early.status.phase, early.status.reason) == (Phase.PENDING, problem.reason)
    late = decided(told, job=job(), creation_problem=problem, now=limit + 1)
    assert (late.status.phase, late.status.reason) == (Phase.FAILED, problem.reason)
    assert problem.detail in (late.status.message or "")


class TestPlanProblems:
    def test_a_spec_that_cannot_run_fails_at_once(self):
        decision = decided(plan=PlanProblem(Reason.INVALID_INPUT, "spec.input: no."), now=0)
        assert (decision.status.phase, decision.status.reason) == (Phase.FAILED, Reason.INVALID_INPUT)
        assert decision.status.message == f"{MEANINGS[Reason.INVALID_INPUT].sentence} spec.input: no."
        assert decision.status.job is None
        assert not decision.create
        assert not decision.delete_job

    def test_a_missing_object_is_waited_for(self):
        problem = PlanProblem(Reason.INPUT_NOT_FOUND, "Create it.", waiting=True)
        told = execution(decided(plan=problem, now=0).status)
        early = decided(told, plan=problem, now=58)
        assert (early.status.phase, early.status.reason) == (Phase.PENDING, Reason.INPUT_NOT_FOUND)
        assert early.wake_after == pytest.approx(2)
        late = decided(told, plan=problem, now=60)
        assert (late.status.phase, late.status.reason) == (Phase.FAILED, Reason.INPUT_NOT_FOUND)

    def test_a_quota_has_as_long_to_become_free_as_a_start_may_take(self):
        problem = PlanProblem(Reason.QUOTA_EXCEEDED, "exceeded quota: used 9", waiting=True)
        told = execution(decided(plan=problem, now=0).status)
        first = decided(told, plan=problem, now=599)
        assert (first.status.phase, first.status.reason) == (Phase.PENDING, Reason.QUOTA_EXCEEDED)
        assert decided(told, plan=problem, now=600).status.phase is Phase.FAILED

    def test_a_quota_in_other_words_is_no_new_status(self):
        first = decided(plan=PlanProblem(Reason.QUOTA_EXCEEDED, "used 9", waiting=True), now=5).status
        again = PlanProblem(Reason.QUOTA_EXCEEDED, "used 8", waiting=True)
        assert decided(execution(first), plan=again, now=10).status == first


class TestCancelBeforeTheStart:
    def test_an_execution_without_a_job_is_cancelled_at_once(self):
        decision = decided(execution(cancel=True))
        assert (decision.status.phase, decision.status.reason) == (Phase.CANCELLED, Reason.CANCELLED)
        assert not decision.create

    @pytest.mark.parametrize("seen", [None, pod(), pod(waiting()), unscheduled("0/3 nodes are available")])
    def test_a_job_that_has_not_started_is_deleted_after_the_wish_is_recorded(self, seen):
        decision = decided(execution(pending(), cancel=True), job=job(), pod=seen, now=8)
        assert (decision.status.phase, decision.status.reason) == (Phase.PENDING, Reason.STOPPING)
        assert decision.status.stop_requested == stop_request()
        assert decision.delete_job
        assert not decision.stop_pod

    def test_a_queued_job_too(self):
        decision = decided(
            execution(pending(Reason.QUEUED), cancel=True, queueName="q"), job=job(suspended=True), now=8
        )
        assert decision.delete_job
        assert decision.status.stop_requested == stop_request()

    def test_a_cancelled_execution_stays_pending_while_its_pod_goes_away(self):
        told = pending(Reason.STOPPING, stop_requested=stop_request())
        decision = decided(execution(told, cancel=True), pod=pod(waiting()))
        assert (decision.status.phase, decision.status.reason) == (Phase.PENDING, Reason.STOPPING)
        assert not decision.follow_log

    def test_an_execution_is_cancelled_when_job_and_pod_are_gone(self):
        told = pending(Reason.STOPPING, stop_requested=stop_request())
        decision = decided(execution(told, cancel=True))
        assert (decision.status.phase, decision.status.reason) == (Phase.CANCELLED, Reason.CANCELLED)
        assert decision.status.completion_time == at(20)

    def test_a_program_that_started_after_all_is_kept_as_one_that_ran(self):
        told = pending(Reason.STOPPING, stop_requested=stop_request())
        decision = decided(execution(told, cancel=True), pod=pod(running(), running()))
        assert decision.status.phase is Phase.RUNNING
        assert decision.follow_log
        assert decision.status.pod is not None
        assert decision.status.start_time == at(5)

    def test_a_program_that_started_before_the_job_was_deleted_is_stopped_by_its_deadline(self):
        told = pending(Reason.STOPPING, stop_requested=stop_request())
        decision = decided(execution(told, cancel=True), job=job(), pod=pod(running(), running()))
        assert decision.stop_pod
        assert not decision.delete_job
        assert decision.status.stop_requested is not None
        assert decision.status.stop_requested.reason is StopReason.CANCELLED


def test_a_pod_that_never_started_its_program_fails_with_what_the_pod_says():
    refused = pod(
        phase="Failed", reason="UnexpectedAdmissionError", message="Allocate failed: no gpu", attempt=4
    )
    decision = decided(execution(often_tried_status()), job=job(attempt=4), pod=refused)
    assert decision.status.phase is Phase.FAILED
    assert "Allocate failed: no gpu" in (decision.status.message or "")
    assert decision.status.start_time is None
    assert decision.delete_job


def test_a_start_error_is_no_start():
    broken = pod(ended(128, since=0, reason="StartError", message="exec: not found"), running())
    decision = decided(execution(pending()), job=job(), pod=broken)
    assert (decision.status.phase, decision.status.reason) == (Phase.FAILED, Reason.START_FAILED)
    assert decision.status.start_time is None
    assert decision.status.exit_code == 128
    assert not decision.follow_log
