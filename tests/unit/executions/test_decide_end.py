"""From main's end to the final status: what is waited for and for how long."""

from typing import Any

import pytest

from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import (
    CallbackState,
    CallbackStatus,
    Phase,
    StopReason,
)
from tests.unit.executions.builders import (
    at,
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
    recorded_pod,
    running,
    started_status,
    status,
    stop_request,
)

KEPT: dict[str, Any] = {"manifest": manifest(file()), "log": log(), "output": main_output()}
OVER = pod(ended(), ended(until=16))
COLLECTS = pod(ended(), running())


def collecting(**members):
    """Return a status that says since 20 that output is being kept."""
    one = decided(execution(started_status(**members)), job=job(), pod=COLLECTS, now=20).status
    assert one.reason == Reason.COLLECTING
    return one


def test_success_is_said_with_all_that_was_kept():
    decision = decided(execution(started_status()), job=job(), pod=OVER, now=17, **KEPT)
    done = decision.status
    assert (done.phase, done.reason) == (Phase.SUCCEEDED, Reason.SUCCEEDED)
    assert done.exit_code == 0
    assert done.completion_time == at(17)
    assert done.duration == "10s"
    assert done.usage is not None
    assert (done.usage.wait_seconds, done.usage.run_seconds, done.usage.collect_seconds) == (5, 10, 2)
    assert done.result is not None
    assert (done.result.output, done.result.file_count) == ('{"sum": 6}', 1)
    assert done.log is not None
    assert done.log.lines == 3
    assert decision.delete_job


def test_the_end_need_not_wait_for_the_pod():
    decision = decided(execution(started_status()), job=job(), pod=COLLECTS, now=16, **KEPT)
    assert decision.status.phase is Phase.SUCCEEDED


@pytest.mark.parametrize("missing", ["manifest", "log"])
def test_the_first_seconds_of_collecting_are_not_worth_a_write(missing):
    told = started_status()
    decision = decided(execution(told), job=job(), pod=COLLECTS, now=17, **{**KEPT, missing: None})
    assert decision.status == told
    assert decision.follow_log == recorded_pod()
    assert decision.wake_after == 1


def test_a_program_too_quick_to_be_seen_running_has_its_log_followed_at_once():
    told = status(Phase.PENDING, "Starting", job=recorded_job(), attempts=1)
    decision = decided(execution(told), job=job(), pod=COLLECTS, now=16)
    assert decision.status == told
    assert decision.follow_log == recorded_pod()


def test_a_status_without_a_phase_is_never_written():
    decision = decided(job=job(), pod=COLLECTS, now=16)
    assert (decision.status.phase, decision.status.reason) == (Phase.RUNNING, Reason.COLLECTING)
    assert decision.status.job == recorded_job()


@pytest.mark.parametrize("missing", ["manifest", "log"])
def test_longer_collecting_is_said(missing):
    seen = {**KEPT, missing: None}
    decision = decided(execution(started_status()), job=job(), pod=COLLECTS, now=21, **seen)
    assert (decision.status.phase, decision.status.reason) == (Phase.RUNNING, Reason.COLLECTING)
    assert next(one for one in decision.status.conditions if one.type == "Collecting").status == "True"
    assert decision.status.exit_code == 0
    assert decision.follow_log is not None
    assert not decision.delete_job
    again = decided(execution(decision.status), job=job(), pod=COLLECTS, now=60, **seen)
    assert again.status == decision.status


def test_a_result_that_never_comes_is_missing():
    told = execution(collecting(), output={"collectTimeout": "1m"})
    assert decided(told, job=job(), pod=COLLECTS, now=79, log=log()).status.reason == Reason.COLLECTING
    decision = decided(told, job=job(), pod=COLLECTS, now=80, log=log())
    assert (decision.status.phase, decision.status.reason) == (Phase.FAILED, Reason.RESULT_MISSING)
    assert decision.status.log is not None
    assert decision.delete_job


def test_a_log_that_never_comes_is_missing_but_the_result_counts():
    decision = decided(execution(collecting()), job=job(), pod=OVER, now=20 + 3600, **{**KEPT, "log": None})
    assert (decision.status.phase, decision.status.reason) == (Phase.SUCCEEDED, Reason.LOG_MISSING)
    assert decision.status.log is None


@pytest.mark.parametrize("code", [0, 3])
def test_an_end_without_the_time_of_its_start_has_its_output_and_log_waited_for(code):
    """As virtual kubelets write it, of a program too quick to be seen running."""
    quick = pod(ended(code, since=None), running())
    told = status(Phase.PENDING, "Starting", job=recorded_job(), attempts=1)
    waits = decided(execution(told), job=job(), pod=quick, now=100)
    assert (waits.status.phase, waits.status.reason) == (Phase.RUNNING, Reason.COLLECTING)
    decision = decided(execution(waits.status), job=job(), pod=quick, now=101, **KEPT)
    assert decision.status.exit_code == code
    assert decision.status.log is not None


def test_a_problem_with_half_a_surrogate_pair_ends_the_run():
    """Valid JSON can hold it, and no status can: the end could not be written, again and again."""
    left = main_output('{"status": 500, "title": "bad \\ud800", "detail": "\\u001b[2J"}')
    decision = decided(
        execution(started_status()), job=job(), pod=pod(ended(3), ended(until=16)), **{**KEPT, "output": left}
    )
    assert decision.status.phase is Phase.FAILED
    assert decision.status.message == "The program failed. Its exit code is 3. bad �: �[2J"


class TestTheCollectorEndedWithoutACommit:
    def test_a_commit_under_way_has_a_moment(self):
        decision = decided(execution(started_status()), job=job(), pod=OVER, now=20, log=log())
        assert decision.status.reason == Reason.COLLECTING

    def test_a_collector_that_ends_without_a_commit_leaves_no_result(self):
        decision = decided(execution(started_status()), job=job(), pod=OVER, now=22, log=log())
        assert decision.status.reason == Reason.RESULT_MISSING

    def test_no_result_is_missed_while_the_store_does_not_answer(self):
        decision = decided(
            execution(started_status()), job=job(), pod=OVER, now=22, log=log(), results_unknown=True
        )
        assert decision.status.reason == Reason.COLLECTING


def test_a_failure_waits_for_output_and_log_as_success_does():
    failed = pod(ended(3), running())
    waits = decided(execution(started_status()), job=job(), pod=failed, now=21)
    assert (waits.status.reason, waits.status.exit_code) == (Reason.COLLECTING, 3)
    decision = decided(execution(started_status()), job=job(), pod=failed, now=21, **KEPT)
    assert (decision.status.phase, decision.status.reason) == (Phase.FAILED, Reason.PROGRAM_FAILED)
    assert decision.status.exit_code == 3
    assert decision.status.result is not None
    assert decision.status.log is not None


@pytest.mark.parametrize(
    ("reason", "phase", "said"),
    [
        (StopReason.CANCELLED, Phase.CANCELLED, Reason.CANCELLED),
        (StopReason.TIMEOUT, Phase.FAILED, Reason.TIMEOUT),
    ],
)
@pytest.mark.parametrize("code", [0, 1, 137, 143])
def test_a_stopped_program_ends_as_was_recorded_whatever_its_exit_code(reason, phase, said, code):
    told = started_status(stop_requested=stop_request(reason))
    over = pod(ended(code), ended(until=16), phase="Failed", reason="DeadlineExceeded")
    decision = decided(execution(told, cancel=True), job=job(), pod=over, now=17, **KEPT)
    assert (decision.status.phase, decision.status.reason) == (phase, said)
    assert decision.status.result is not None, "partial output is kept"
    assert decision.status.log is not None


@pytest.mark.parametrize("reason", [StopReason.CANCELLED, StopReason.TIMEOUT])
def test_a_stopped_run_whose_output_was_not_kept_says_so(reason):
    before = execution(started_status(stop_requested=stop_request(reason)))
    gone = decided(before, job=job(), log=log(), now=100).status
    assert gone.phase is not None
    assert gone.phase.terminal
    assert gone.message.endswith("Its output was not kept: it could not be collected in time.")
    kept = decided(before, job=job(), log=log(), manifest=manifest(), now=100).status
    assert "not kept" not in kept.message


TOO_LATE = 20 + 3600
LOG_LOST = "Its log was not kept: it could not be read in time."
ENDS: dict[str, dict[str, Any]] = {
    "exit code 3": {"job": job(), "pod": pod(ended(3), ended())},
    "no output": {"job": job(), "pod": COLLECTS, "manifest": None},
    "killed for its memory": {"job": job(), "pod": pod(ended(137, reason="OOMKilled"), ended())},
    "the pod is gone": {"job": job()},
    "Job and pod are gone": {},
    "cancelled": {"job": job(), "pod": pod(ended(143), ended()), "stop": StopReason.CANCELLED},
    "timed out": {"job": job(), "pod": pod(ended(143), ended()), "stop": StopReason.TIMEOUT},
    "its place was taken": {"job": job(), "pod": pod(ended(143), ended()), "stop": StopReason.PREEMPTED},
}


@pytest.mark.parametrize("name", ENDS)
def test_an_end_without_its_log_says_so(name):
    seen = {**KEPT, **ENDS[name]}
    stop = seen.pop("stop", None)
    told = collecting() if stop is None else collecting(stop_requested=stop_request(stop))
    if "pod" not in seen:
        told = told.model_copy(update={"exit_code": None})
    lost = decided(execution(told), now=TOO_LATE, **{**seen, "log": None}).status
    assert lost.phase in {Phase.FAILED, Phase.CANCELLED}
    assert lost.message.endswith(LOG_LOST)
    cut = decided(execution(told), now=TOO_LATE, **{**seen, "log": log(complete=False)}).status
    assert cut.message.endswith("A part of its log was lost. Its end could not be read.")
    kept = decided(execution(told), now=TOO_LATE, **seen).status
    assert (kept.phase, kept.reason) == (lost.phase, lost.reason)
    assert "log was" not in kept.message


def test_a_program_that_never_started_has_no_log_to_miss():
    decision = decided(job=job(ended="Failed"))
    assert (decision.status.phase, decision.status.start_time) == (Phase.FAILED, None)
    assert "log" not in decision.status.message


def test_an_attempt_that_is_left_without_its_log_says_so():
    told = execution(collecting(), retry={"maxAttempts": 2, "onExitCodes": [3]})
    seen = {**KEPT, "log": None}
    decision = decided(told, job=job(), pod=pod(ended(3), ended()), now=TOO_LATE, **seen)
    assert decision.leaves
    (left,) = decision.status.earlier_attempts or ()
    assert left.message.endswith(LOG_LOST)


def test_cancel_after_the_end_of_main_changes_nothing():
    decision = decided(execution(started_status(), cancel=True), job=job(), pod=COLLECTS, now=16, **KEPT)
    assert decision.status.phase is Phase.SUCCEEDED
    assert not decision.stop_pod


class TestThePodIsLost:
    def test_a_pod_that_is_gone_is_lost_but_its_log_is_waited_for(self):
        waits = decided(execution(started_status()), job=job())
        assert waits.status.reason == Reason.COLLECTING
        decision = decided(execution(started_status()), job=job(), log=log(complete=False))
        assert (decision.status.phase, decision.status.reason) == (Phase.FAILED, Reason.POD_LOST)
        assert decision.status.log is not None
        assert decision.status.log.truncated
        assert decision.delete_job

    def test_an_end_that_was_recorded_still_counts(self):
        decision = decided(execution(collecting()), job=job(), now=30, **KEPT)
        assert (decision.status.phase, decision.status.exit_code) == (Phase.SUCCEEDED, 0)

    def test_a_complete_job_means_exit_code_0(self):
        decision = decided(execution(started_status()), job=job(ended="Complete"), **KEPT)
        assert (decision.status.phase, decision.status.exit_code) == (Phase.SUCCEEDED, 0)

    def test_a_complete_job_of_which_no_pod_was_seen_has_no_missing_result_while_the_store_is_away(self):
        told = status(Phase.PENDING, "Starting", job=recorded_job(), attempts=1)
        away = decided(execution(told), job=job(ended="Complete"), results_unknown=True)
        assert (away.status.phase, away.status.reason) == (Phase.PENDING, Reason.COLLECTING)
        back = decided(execution(away.status), job=job(ended="Complete"), **KEPT)
        assert back.status.phase is Phase.SUCCEEDED

    def test_a_failed_job_without_a_pod_is_over(self):
        decision = decided(job=job(ended="Failed"))
        assert (decision.status.phase, decision.status.reason) == (Phase.FAILED, Reason.POD_LOST)

    def test_a_lost_node_does_not_say_how_main_ended_and_the_log_is_waited_for(self):
        lost = pod(running(), running(), phase="Failed", reason="NodeLost", message="Node is gone.")
        told = started_status()
        waits = decided(execution(told), job=job(), pod=lost)
        assert waits.status.reason == Reason.COLLECTING
        decision = decided(execution(waits.status), job=job(), pod=lost, log=log(complete=False))
        assert (decision.status.phase, decision.status.reason) == (Phase.FAILED, Reason.POD_LOST)
        assert "Node is gone." in (decision.status.message or "")

    def test_even_that_wait_ends(self):
        lost = pod(running(), running(), phase="Failed")
        one = execution(started_status(), output={"collectTimeout": "1m"})
        waits = decided(one, job=job(), pod=lost, now=20).status
        one = execution(waits, output={"collectTimeout": "1m"})
        assert decided(one, job=job(), pod=lost, now=79).status.reason == Reason.COLLECTING
        assert decided(one, job=job(), pod=lost, now=80).status.reason == Reason.POD_LOST
        assert decided(one, job=job(), now=80).status.reason == Reason.POD_LOST

    def test_an_end_without_a_time_does_not_wait_for_ever(self):
        unknown = pod(
            ended(137, since=None, until=None, reason="ContainerStatusUnknown"), running(), phase="Failed"
        )
        one = execution(started_status(), output={"collectTimeout": "1m"})
        waits = decided(one, job=job(), pod=unknown, now=20).status
        assert waits.reason == Reason.COLLECTING
        one = execution(waits, output={"collectTimeout": "1m"})
        assert decided(one, job=job(), pod=unknown, now=81).status.reason == Reason.POD_LOST


class TestTheJobIsDeleted:
    def test_the_collector_may_finish(self):
        decision = decided(execution(started_status()), pod=COLLECTS, now=16, log=log())
        assert decision.status.reason == Reason.COLLECTING

    def test_a_job_that_others_deleted_is_said(self):
        decision = decided(execution(started_status()), pod=COLLECTS, now=18, **KEPT)
        assert (decision.status.phase, decision.status.reason) == (Phase.FAILED, Reason.JOB_DELETED)
        assert decision.status.result is not None

    def test_a_pod_that_never_had_a_node_holds_nothing_up_however_long_it_is_held(self):
        told = status(Phase.PENDING, "Stopping", job=recorded_job(), attempts=1)
        asked = told.model_copy(update={"stop_requested": stop_request()})
        assert decided(execution(asked), pod=pod(going=True)).status.phase is Phase.CANCELLED
        assert decided(execution(told), pod=pod(going=True)).status.reason == Reason.JOB_DELETED

    def test_a_cancelled_program_whose_job_is_deleted_is_cancelled(self):
        told = started_status(stop_requested=stop_request())
        decision = decided(execution(told), log=log())
        assert decision.status.phase is Phase.CANCELLED

    def test_a_program_that_timed_out_and_whose_job_is_deleted_timed_out(self):
        told = started_status(stop_requested=stop_request(StopReason.TIMEOUT))
        decision = decided(execution(told), log=log())
        assert decision.status.reason == Reason.TIMEOUT


class TestAfterTheEnd:
    done = decided(execution(started_status()), job=job(), pod=OVER, now=17, **KEPT).status

    def test_nothing_is_done_after_the_end(self):
        decision = decided(execution(self.done), now=10**6)
        assert decision.status == self.done
        assert not decision.create
        assert not decision.delete_job
        assert decision.wake_after is None

    def test_a_job_that_is_left_is_deleted(self):
        assert decided(execution(self.done), job=job()).delete_job

    def test_cancel_comes_too_late(self):
        decision = decided(execution(self.done, generation=2, cancel=True), job=job())
        assert decision.status.phase is Phase.SUCCEEDED
        assert decision.status.observed_generation == 2

    def test_a_time_to_live_counts_from_the_end(self):
        one = execution(self.done, ttlSecondsAfterFinished=100)
        early = decided(one, now=116)
        assert early.wake_after == pytest.approx(1)
        assert not early.delete_execution
        assert decided(one, now=117).delete_execution

    def test_a_time_to_live_of_zero_deletes_at_once(self):
        one = execution(started_status(), ttlSecondsAfterFinished=0)
        end = decided(one, job=job(), pod=OVER, now=17, **KEPT)
        assert end.wake_after == 0
        assert decided(execution(end.status, ttlSecondsAfterFinished=0), now=17).delete_execution

    def test_a_pending_callback_keeps_the_execution_until_it_is_delivered_or_given_up(self):
        for state, deleted in (("Pending", False), ("Delivered", True), ("Failed", True)):
            told = self.done.model_copy(update={"callback": CallbackStatus(state=CallbackState(state))})
            assert decided(execution(told, ttlSecondsAfterFinished=5), now=100).delete_execution is deleted

    def test_a_callback_that_nobody_delivers_keeps_the_execution_for_a_day(self):
        told = self.done.model_copy(update={"callback": CallbackStatus(state=CallbackState.PENDING)})
        early = decided(execution(told, ttlSecondsAfterFinished=5), now=17 + 86_399)
        assert early.wake_after == pytest.approx(1)
        assert decided(execution(told, ttlSecondsAfterFinished=5), now=17 + 86_400).delete_execution
        longer = execution(told, ttlSecondsAfterFinished=100_000)
        assert not decided(longer, now=17 + 86_401).delete_execution


def test_clocks_that_disagree_give_no_negative_times():
    early = pod(ended(since=-3, until=-2), ended(until=0))
    done = decided(execution(), job=job(), pod=early, now=-1, **KEPT).status
    assert done.usage is not None
    assert done.usage.wait_seconds is not None
    assert done.usage.run_seconds is not None
    assert done.usage.collect_seconds is not None
    assert min(done.usage.wait_seconds, done.usage.run_seconds, done.usage.collect_seconds) >= 0


class TestAProgramThatEndedInTime:
    told = started_status(stop_requested=stop_request(StopReason.TIMEOUT, 15.2))

    def end(self, main, **members):
        over = pod(main, ended(until=16), reason="DeadlineExceeded", phase="Failed")
        return decided(
            execution(self.told, timeout="10s", **members), job=job(), pod=over, now=20, **KEPT
        ).status

    def test_a_stop_that_came_after_a_success_does_not_make_it_a_timeout(self):
        assert self.end(ended(0, since=5, until=14)).phase is Phase.SUCCEEDED

    def test_a_failure_of_its_own_keeps_its_exit_code(self):
        end = self.end(ended(3, since=5, until=14))
        assert (end.reason, end.exit_code) == (Reason.PROGRAM_FAILED, 3)

    @pytest.mark.parametrize(("code", "until"), [(0, 15), (0, 16), (143, 14), (137, 14)])
    def test_a_program_that_was_stopped_or_used_up_its_time_has_timed_out(self, code, until):
        assert self.end(ended(code, since=5, until=until)).reason == Reason.TIMEOUT

    def test_a_cancel_is_a_cancel(self):
        told = started_status(stop_requested=stop_request())
        over = pod(ended(0, since=5, until=14), ended(until=16))
        one = execution(told, timeout="10s", cancel=True)
        assert decided(one, job=job(), pod=over, now=20, **KEPT).status.phase is Phase.CANCELLED
