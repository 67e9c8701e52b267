"""A run that has failed is tried again: by itself when its program did not start, else when its spec says so."""

from typing import Any, Final

import pytest

from serviceexecution.executions.attempts.leaving import MESSAGE_CHARACTERS
from serviceexecution.executions.attempts.rules import STARTLESS_RETRIES
from serviceexecution.executions.names import job_name
from serviceexecution.executions.outcome import Decision
from serviceexecution.executions.planning.plan import Plan
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.render.job import render_children
from serviceexecution.executions.steps.running import UNCONFIRMED_END
from serviceexecution.resources.executions.execution_status import (
    EarlierAttempt,
    ExecutionStatus,
    Phase,
    StopReason,
)
from serviceexecution.resources.pods.observed import PodView
from serviceexecution.resources.pods.pod_start import StartFault, StartProblem
from tests.unit.executions.builders import (
    REFERENCE,
    at,
    condition,
    decided,
    earlier,
    ended,
    execution,
    file,
    job,
    log,
    main_output,
    manifest,
    observation,
    pod,
    recorded_job,
    recorded_pod,
    running,
    started_status,
    status,
    stop_request,
    waiting,
)

KEPT: Final[dict[str, Any]] = {"manifest": manifest(file()), "log": log(), "output": main_output()}
PENDING: Final = status(Phase.PENDING, "Starting", job=recorded_job(), attempts=1)
REFUSED: Final = pod(phase="Failed", reason="OutOfcpu", message="no cpu")
KILLED: Final = pod(ended(137, reason="OOMKilled"), ended(until=16), phase="Failed", memory="512Mi")
FAILED: Final = pod(ended(3), ended(until=16), phase="Failed")
FAILED_AGAIN: Final = pod(ended(3), ended(until=16), phase="Failed", attempt=2)
ON_3: Final = {"maxAttempts": 3, "onExitCodes": [3]}


def end(
    retry: dict[str, Any] | None, seen: PodView = FAILED, told: ExecutionStatus | None = None, **members: Any
):
    """Return the decision about a program that has ended."""
    one = execution(told or started_status(), retry=retry)
    return decided(one, **{"job": job(), "pod": seen, "now": 20, **KEPT, **members})


def second(reason: str = "ProgramFailed", **members: object) -> ExecutionStatus:
    """Return the status of an execution whose second attempt runs."""
    known = {"job": recorded_job(2), "pod": recorded_pod(2), "attempts": 2}
    return started_status(**{**known, "earlier_attempts": (earlier(1, reason),), **members})


def between(retry: dict[str, Any] | None = None, *, now: float = 100, **members: Any) -> Decision:
    """Return the decision about an execution whose first attempt ended at 20."""
    told = status(Phase.PENDING, "Retrying", attempts=1, earlier_attempts=(earlier(),), since=at(20))
    return decided(execution(told, retry=retry or ON_3), **{"now": now, **members})


def only(decision: Decision) -> EarlierAttempt:
    """Return the one attempt that was left."""
    earlier_attempts = decision.status.earlier_attempts
    assert earlier_attempts is not None
    assert len(earlier_attempts) == 1
    return earlier_attempts[0]


def said(decision: Decision) -> tuple[Phase | None, str | None]:
    return decision.status.phase, decision.status.reason


class TestByItself:
    @pytest.mark.parametrize(
        "seen",
        [
            REFUSED,
            pod(conditions=(condition("PodScheduled", "False"),), going=True),
            pod(waiting(), waiting(), phase="Failed", reason="Evicted", message="low on disk"),
            pod(
                ended(137, since=None, until=None, reason="ContainerStatusUnknown"),
                ended(137),
                phase="Failed",
                going=True,
            ),
        ],
    )
    def test_a_run_whose_program_did_not_start_is_tried_again(self, seen):
        decision = decided(execution(PENDING), job=job(), pod=seen, now=20)
        assert said(decision) == (Phase.PENDING, Reason.RETRYING)
        assert decision.delete_job
        record = only(decision)
        assert (record.attempt, record.counts, record.job) == (1, False, recorded_job())
        assert decision.status.job is None

    def test_that_has_a_bound_and_its_message_says_how_many_attempts_were_made(self):
        tried = tuple(earlier(one, "NodeRefused", counts=False) for one in range(1, STARTLESS_RETRIES + 1))
        last = STARTLESS_RETRIES + 1
        told = PENDING.model_copy(
            update={"job": recorded_job(last), "attempts": last, "earlier_attempts": tried}
        )
        refused = pod(phase="Failed", reason="OutOfcpu", message="no cpu", attempt=last)
        decision = decided(execution(told), job=job(attempt=last), pod=refused, now=20)
        assert said(decision) == (Phase.FAILED, Reason.NODE_REFUSED)
        assert (decision.status.message or "").endswith(f"{last} attempts were made.")

    @pytest.mark.parametrize(
        "seen",
        [
            pytest.param(
                pod(ended(137, reason="ContainerStatusUnknown"), phase="Failed"), id="it had started"
            ),
            pytest.param(
                pod(ended(137, since=None, until=None, reason="ContainerStatusUnknown"), phase="Failed"),
                id="nobody asked the node to end it",
            ),
            pytest.param(
                pod(waiting(), init={"fetch": ended(0)}, phase="Failed", reason="Evicted"),
                id="an init container has run",
            ),
            pytest.param(None, id="nobody saw the pod"),
        ],
    )
    def test_a_program_that_may_have_started_is_not_run_again_by_itself(self, seen):
        told = PENDING
        for now in (20, 40, 8000):
            decision = decided(
                execution(told), job=job(ended="Failed"), pod=seen, now=now, log=log(complete=False)
            )
            told = decision.status
        assert told.phase is Phase.FAILED
        assert told.earlier_attempts is None

    def test_a_pod_that_the_control_plane_wrote_off_may_have_started(self):
        written_off = condition("DisruptionTarget").model_copy(update={"reason": "DeletionByPodGC"})
        seen = pod(waiting(), waiting(), phase="Failed", conditions=(written_off,))
        assert said(decided(execution(PENDING), job=job(), pod=seen)) == (Phase.FAILED, Reason.NOT_STARTED)


class TestWhenTheSpecSaysSo:
    @pytest.mark.parametrize("retry", [None, {"maxAttempts": 1}, {"maxAttempts": 3, "onExitCodes": [4, 75]}])
    def test_a_program_that_failed_is_not_run_again_otherwise(self, retry):
        assert said(end(retry)) == (Phase.FAILED, Reason.PROGRAM_FAILED)

    @pytest.mark.parametrize("retry", [ON_3, {"maxAttempts": 2, "onReasons": ["ProgramFailed"]}])
    def test_it_is_run_again_and_status_keeps_what_the_attempt_was(self, retry):
        decision = end(retry)
        assert said(decision) == (Phase.PENDING, Reason.RETRYING)
        assert decision.status.message == (
            "Another attempt is made. Attempt 1 ended as ProgramFailed: The program failed. Its exit code is 3. "
            "The next one starts 10s after that."
        )
        assert (decision.leaves, decision.delete_job, decision.status.result) == (True, True, None)
        record = only(decision)
        assert record.model_dump(exclude={"message"}) == {
            "attempt": 1,
            "reason": "ProgramFailed",
            "counts": True,
            "exit_code": 3,
            "memory_limit": None,
            "start_time": at(5),
            "end_time": at(20),
            "job": recorded_job().model_dump(),
            "pod": recorded_pod().model_dump(),
            "log": record.log and record.log.model_dump(),
            "usage": None,
        }
        assert record.log is not None
        assert record.log.lines == 3
        after = decision.status
        assert (after.job, after.pod, after.start_time, after.exit_code) == (None, None, None, None)

    def test_its_log_is_kept_first(self):
        waits = end(ON_3, log=None, now=21)
        assert said(waits) == (Phase.RUNNING, Reason.COLLECTING)
        assert not waits.delete_job

    def test_the_last_attempt_is_the_end_and_says_how_many_were_made(self):
        told = second()
        decision = end({"maxAttempts": 2, "onExitCodes": [3]}, FAILED_AGAIN, told, job=job(attempt=2))
        assert said(decision) == (Phase.FAILED, Reason.PROGRAM_FAILED)
        assert (decision.status.message or "").endswith(
            "2 attempts were made, as many as spec.retry.maxAttempts allows."
        )

    def test_an_attempt_that_did_not_start_does_not_count(self):
        told = second("NodeRefused", earlier_attempts=(earlier(1, "NodeRefused", counts=False),))
        decision = end({"maxAttempts": 2, "onExitCodes": [3]}, FAILED_AGAIN, told, job=job(attempt=2))
        assert said(decision) == (Phase.PENDING, Reason.RETRYING)

    def test_a_success_after_a_failure_is_a_success(self):
        over = pod(ended(0), ended(until=16), attempt=2)
        decision = end(ON_3, over, told=second(), job=job(attempt=2))
        assert said(decision) == (Phase.SUCCEEDED, Reason.SUCCEEDED)
        assert decision.status.attempts == 2

    @pytest.mark.parametrize("members", [{"cancel": True}, {"deleted": True}])
    def test_an_execution_that_is_cancelled_or_deleted_is_not_run_again(self, members):
        decision = decided(execution(started_status(), retry=ON_3, **members), job=job(), pod=FAILED, **KEPT)
        assert decision.status.phase in {Phase.FAILED, Phase.CANCELLED}
        assert decision.status.earlier_attempts is None

    def test_a_timeout_counts_for_each_attempt_and_may_be_tried_again(self):
        told = started_status(stop_requested=stop_request(StopReason.TIMEOUT))
        over = pod(ended(143), ended(until=16), phase="Failed")
        decision = end({"maxAttempts": 2, "onReasons": ["Timeout"]}, over, told=told)
        assert said(decision) == (Phase.PENDING, Reason.RETRYING)
        assert decision.status.stop_requested is None
        again = second(start_time=at(100), since=at(100), earlier_attempts=(earlier(1, "Timeout"),))
        one = execution(again, timeout="90s", retry={"maxAttempts": 2, "onReasons": ["Timeout"]})
        runs = decided(one, job=job(attempt=2), pod=pod(running(100), running(100), attempt=2), now=150)
        assert said(runs) == (Phase.RUNNING, Reason.RUNNING)

    def test_a_program_that_may_still_run_on_a_silent_node_is_not_run_again(self):
        told = started_status(stop_requested=stop_request(), reason="Stopping", since=at(10))
        seen = pod(running(), running(), deleted=50)
        one = execution(told, retry={"maxAttempts": 3, "onReasons": ["PodLost"]})
        decision = decided(one, job=job(), pod=seen, now=10_000)
        assert said(decision) == (Phase.FAILED, Reason.POD_LOST)

    def test_a_lost_pod_that_is_gone_may_be_tried_again(self):
        one = execution(started_status(), retry={"maxAttempts": 3, "onReasons": ["PodLost"]})
        decision = decided(one, job=job(ended="Failed"), pod=None, log=log(complete=False))
        assert said(decision) == (Phase.PENDING, Reason.RETRYING)

    def test_long_sentences_are_cut(self):
        over = pod(ended(3), ended(until=16), phase="Failed")
        text = '{"title": "' + "x" * 5000 + '", "status": 500}'
        decision = end(ON_3, over, output=main_output(text))
        record = only(decision)
        assert len(record.message) <= MESSAGE_CHARACTERS


class TestBetween:
    def test_the_job_goes_first(self):
        decision = between(left_job=job(), left_pod_runs=True)
        assert (decision.delete_job, decision.create) == (True, False)
        assert said(decision) == (Phase.PENDING, Reason.RETRYING)

    def test_a_pod_that_may_run_is_waited_for(self):
        decision = between(left_pod_runs=True)
        assert (decision.delete_job, decision.create) == (False, False)
        assert decision.wake_after is not None

    def test_a_pod_that_never_goes_ends_the_run_as_its_attempt_ended(self):
        decision = between(left_pod_runs=True, now=20 + UNCONFIRMED_END)
        assert said(decision) == (Phase.FAILED, Reason.PROGRAM_FAILED)
        assert "It is not tried again: 5m after its end the Job or the pod of the node" in (
            decision.status.message or ""
        )
        assert decision.status.job == recorded_job()
        assert decision.status.earlier_attempts is None

    @pytest.mark.parametrize(("now", "creates"), [(25, False), (30, True)])
    def test_the_pause_is_waited_for(self, now, creates):
        decision = between(now=now)
        assert decision.create == creates
        assert creates or decision.wake_after == 5

    def test_pauses_double_up_to_five_minutes(self):
        pauses = []
        for made in range(1, 9):
            tried = tuple(earlier(one) for one in range(1, made + 1))
            told = status(Phase.PENDING, "Retrying", attempts=made, earlier_attempts=tried)
            pauses.append(decided(execution(told, retry=ON_3), now=20).wake_after)
        assert pauses == [10, 20, 40, 80, 160, 300, 300, 300]

    def test_a_cancel_ends_it_and_its_job_goes(self):
        told = status(Phase.PENDING, "Retrying", attempts=1, earlier_attempts=(earlier(),))
        decision = decided(execution(told, cancel=True, retry=ON_3), left_job=job(), now=22)
        assert said(decision) == (Phase.CANCELLED, Reason.CANCELLED)
        assert decision.delete_job

    def test_nothing_is_written_twice(self):
        first = end(ON_3).status
        again = decided(execution(first, retry=ON_3), now=24, left_pod_runs=True).status
        assert again == first

    def test_the_next_job_is_the_next_attempt(self):
        told = status(Phase.PENDING, "Retrying", attempts=1, earlier_attempts=(earlier(),))
        decision = decided(execution(told, retry=ON_3), job=job(attempt=2), now=40)
        assert said(decision) == (Phase.PENDING, Reason.STARTING)
        assert (decision.status.attempts, decision.status.job) == (2, recorded_job(2))


class TestMemory:
    MORE: Final = {"maxAttempts": 5, "onOutOfMemory": {"memoryFactor": 2, "maxMemory": "1536Mi"}}

    def test_its_message_says_the_limit_and_what_to_set(self):
        assert end(None, KILLED).status.message == (
            "The program used more memory than its limit and was killed. It had reached its limit of 512Mi: "
            "raise spec.resources.limits.memory, or set spec.retry.onOutOfMemory."
        )

    def test_it_gets_more_in_the_next_attempt_up_to_the_most(self):
        first, limits = end(self.MORE, KILLED), []
        told = first.status
        assert (told.reason, only(first).memory_limit) == ("Retrying", "512Mi")
        for made in (1, 2):
            limits.append(_memory(told, self.MORE))
            tried = (
                *(told.earlier_attempts or ()),
                earlier(made + 1, "OutOfMemory", memory_limit=limits[-1][0]),
            )
            told = told.model_copy(update={"attempts": made + 1, "earlier_attempts": tried})
        assert limits == [("1Gi", "512Mi"), ("1536Mi", "768Mi")]

    def test_at_the_most_it_ends(self):
        killed = pod(ended(137, reason="OOMKilled"), ended(until=16), phase="Failed", memory="1536Mi")
        decision = end(self.MORE, killed)
        assert said(decision) == (Phase.FAILED, Reason.OUT_OF_MEMORY)
        assert "It is not raised further: spec.retry.onOutOfMemory.maxMemory is 1536Mi." in (
            decision.status.message or ""
        )

    def test_without_a_limit_there_is_nothing_to_raise(self):
        killed = pod(ended(137, reason="OOMKilled"), ended(until=16), phase="Failed")
        message = end(self.MORE, killed).status.message or ""
        assert "set spec.resources.requests.memory and limits.memory to what it needs." in message
        assert message.endswith(" spec.retry.onOutOfMemory raises nothing where there is no limit.")

    def test_another_failure_takes_nothing_away(self):
        tried = (
            earlier(1, "OutOfMemory", memory_limit="512Mi"),
            earlier(2, "ProgramFailed", memory_limit="1Gi"),
        )
        told = status(Phase.PENDING, "Retrying", attempts=2, earlier_attempts=tried)
        assert _memory(told, self.MORE) == ("1Gi", "512Mi")

    def test_a_quota_that_refuses_the_larger_pod_is_told_from_one_that_is_full(self):
        told = second("OutOfMemory", earlier_attempts=(earlier(1, "OutOfMemory", memory_limit="512Mi"),))
        told = told.model_copy(update={"phase": Phase.PENDING, "start_time": None, "pod": None})
        one = execution(told, retry=self.MORE)
        message = ""
        for now in (20, 90):
            decision = decided(one, job=job(attempt=2), now=now, creation_problem=_refused())
            one, message = execution(decision.status, retry=self.MORE), decision.status.message or ""
        assert "Its memory limit was raised to 1Gi by spec.retry.onOutOfMemory." in message


def _refused() -> StartProblem:
    return StartProblem(StartFault.POD_REFUSED, "maximum memory usage per Container is 600Mi", 60)


def _memory(told: ExecutionStatus, retry: dict[str, Any]) -> tuple[object, object]:
    """Return limit and request of main in the next Job of an execution that asks for 512Mi and 256Mi."""
    resources = {"limits": {"memory": "512Mi"}, "requests": {"memory": "256Mi"}}
    one = execution(told, retry=retry, resources=resources)
    plan, attempt = observation(one).plan, (told.attempts or 0) + 1
    assert isinstance(plan, Plan)
    defaults = PodDefaults(collector_image="collector:1", gateway_url="http://gateway")
    children = render_children(one, plan, defaults, attempt)
    body: Any = children.job
    assert body["metadata"]["name"] == job_name(REFERENCE, attempt)
    asked = body["spec"]["template"]["spec"]["containers"][1]["resources"]
    return asked["limits"]["memory"], asked["requests"]["memory"]
