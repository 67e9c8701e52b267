"""Limits count from when their cause began, an outage of ours uses up none, and nothing ends on a read that failed."""

from typing import Any, Final

import pytest

from serviceexecution.executions.attendance import Attendance, Outage
from serviceexecution.executions.conditions import reason_since, whole_second
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.steps.running import UNCONFIRMED_END
from serviceexecution.resources.executions.execution_status import Phase, StopReason
from tests.unit.executions.builders import (
    at,
    condition,
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
    stop_request,
    waiting,
)

PLACED = condition("PodScheduled", since=2)
COLLECTS = pod(ended(), running())
OVER = pod(ended(), ended(until=16))
KEPT = {"manifest": manifest(file()), "log": log(), "output": main_output()}


def pending(reason: Reason = Reason.STARTING, **members):
    return status(Phase.PENDING, reason, job=recorded_job(), attempts=1, **{"since": at(1), **members})


def said(decision):
    return decision.status.phase, decision.status.reason


class TestSince:
    def test_a_reason_keeps_since_when_it_is_said_and_a_new_one_begins_anew(self):
        first = decided(job=job(), now=1).status
        assert (first.reason, first.since) == ("Starting", at(1))
        again = decided(execution(first), job=job(), now=9).status
        assert again.since == at(1)
        other = decided(execution(again), job=job(), pod=pod(waiting("ErrImagePull", "not found")), now=30)
        assert (other.status.reason, other.status.since) == ("ImageNotFound", at(30))

    def test_since_is_rounded_up_so_that_no_limit_ends_early(self):
        assert whole_second(at(1.2)) == at(2)
        assert whole_second(at(1)) == at(1)

    def test_a_status_of_an_older_version_counts_as_it_did(self):
        assert reason_since(started_status(since=None), "Running", at(90)) == at(5)
        assert reason_since(pending(since=None), "Starting", at(90)) == at(90)


class TestStarts:
    def test_an_image_that_took_long_leaves_the_next_cause_its_whole_limit(self):
        seen = pod(waiting("CreateContainerError", "no such device"), waiting(), conditions=(PLACED,))
        first = decided(execution(pending()), job=job(), pod=seen, now=300)
        assert said(first) == (Phase.PENDING, Reason.START_FAILED)
        assert decided(execution(first.status), job=job(), pod=seen, now=359).status.phase is Phase.PENDING
        assert decided(execution(first.status), job=job(), pod=seen, now=360).status.phase is Phase.FAILED

    @pytest.mark.parametrize(
        "words",
        [
            "context deadline exceeded",
            "rpc error: code = Unavailable desc = transport is closing",
            'failed to reserve container name "main": name is reserved for "abc"',
            "dial unix /run/containerd/containerd.sock: connect: connection refused",
            "",
        ],
    )
    def test_words_of_a_busy_node_never_have_the_short_limit(self, words):
        seen = pod(waiting("CreateContainerError", words), waiting(), conditions=(PLACED,))
        told = execution(pending(Reason.START_FAILED, since=at(2)))
        assert said(decided(told, job=job(), pod=seen, now=599)) == (Phase.PENDING, Reason.START_FAILED)
        assert decided(told, job=job(), pod=seen, now=602).status.phase is Phase.FAILED

    def test_a_volume_that_took_long_leaves_a_refused_pull_its_whole_limit(self):
        seen = pod(waiting("ErrImagePull", "403 Forbidden"), waiting(), conditions=(PLACED,))
        first = decided(execution(pending()), job=job(), pod=seen, now=180)
        assert said(first) == (Phase.PENDING, Reason.IMAGE_PULL_FORBIDDEN)
        assert said(decided(execution(first.status), job=job(), pod=seen, now=299))[0] is Phase.PENDING
        assert said(decided(execution(first.status), job=job(), pod=seen, now=300))[0] is Phase.FAILED

    def test_the_whole_start_still_has_its_limit_whatever_the_cause(self):
        seen = pod(waiting("ErrImagePull", "403 Forbidden"), waiting(), conditions=(PLACED,))
        told = execution(pending(Reason.IMAGE_PULL_FORBIDDEN, since=at(590)))
        assert said(decided(told, job=job(), pod=seen, now=602))[0] is Phase.FAILED


class TestPlans:
    def test_a_quota_that_is_full_after_an_hour_in_the_queue_has_its_whole_limit(self):
        queued = status(Phase.PENDING, "Queued", since=at(0))
        full = PlanProblem(Reason.QUOTA_EXCEEDED, "exceeded quota", waiting=True)
        first = decided(execution(queued), now=3600, plan=full)
        assert said(first) == (Phase.PENDING, Reason.QUOTA_EXCEEDED)
        assert said(decided(execution(first.status), now=4199, plan=full))[0] is Phase.PENDING
        assert said(decided(execution(first.status), now=4200, plan=full))[0] is Phase.FAILED

    @pytest.mark.parametrize(
        "reason", [Reason.SERVICE_NOT_FOUND, Reason.SERVICE_NOT_READY, Reason.INPUT_NOT_FOUND]
    )
    def test_a_queued_execution_outlives_the_replacement_of_its_service(self, reason):
        queued = status(Phase.PENDING, "Queued", since=at(0))
        gone = PlanProblem(reason, "Create it.", waiting=True)
        first = decided(execution(queued), now=90, plan=gone)
        assert said(first) == (Phase.PENDING, reason)
        back = PlanProblem(Reason.QUEUED, "1 comes first.", waiting=True)
        assert said(decided(execution(first.status), now=93, plan=back)) == (Phase.PENDING, Reason.QUEUED)

    def test_a_controller_that_was_away_while_a_service_is_built_waits_on(self):
        coming = PlanProblem(Reason.SERVICE_NOT_READY, "Its image is being built.", waiting=True, coming=True)
        assert said(decided(now=660, plan=coming)) == (Phase.PENDING, Reason.SERVICE_NOT_READY)

    def test_a_first_build_that_fails_after_minutes_leaves_time_to_mend_it(self):
        coming = PlanProblem(Reason.SERVICE_NOT_READY, "Its image is being built.", waiting=True, coming=True)
        failed = PlanProblem(Reason.SERVICE_NOT_READY, "Its build failed.", waiting=True)
        first = decided(now=0, plan=coming)
        later = decided(execution(first.status), now=400, plan=failed)
        assert said(later)[0] is Phase.PENDING
        assert said(decided(execution(later.status), now=459, plan=failed))[0] is Phase.PENDING
        assert said(decided(execution(later.status), now=460, plan=failed))[0] is Phase.FAILED

    def test_a_cause_that_counts_its_own_seconds_is_the_same_cause(self):
        first = decided(now=0, plan=PlanProblem(Reason.SERVICE_NOT_READY, "For 29 s.", waiting=True))
        again = PlanProblem(Reason.SERVICE_NOT_READY, "For 4 s.", waiting=True)
        assert said(decided(execution(first.status), now=60, plan=again))[0] is Phase.FAILED


SHORT: Final[dict[str, Any]] = {"output": {"collectTimeout": "1m"}}


class TestCollecting:
    def collecting(self, **spec):
        first = decided(execution(started_status(), **spec), job=job(), pod=COLLECTS, now=7200)
        assert said(first) == (Phase.RUNNING, Reason.COLLECTING)
        return execution(first.status, **spec)

    def test_a_controller_that_was_away_for_hours_looks_for_the_log_before_it_is_missing(self):
        first = decided(execution(started_status()), job=job(), pod=OVER, now=7200, **{**KEPT, "log": None})
        assert said(first) == (Phase.RUNNING, Reason.COLLECTING)
        assert first.follow_log is not None
        assert (
            said(decided(execution(first.status), job=job(), pod=OVER, now=7205, **KEPT))[0]
            is Phase.SUCCEEDED
        )

    def test_a_collector_that_still_tries_after_an_outage_has_its_whole_time(self):
        told = self.collecting(**SHORT)
        assert said(decided(told, job=job(), pod=COLLECTS, now=7259)) == (Phase.RUNNING, Reason.COLLECTING)
        assert said(decided(told, job=job(), pod=COLLECTS, now=7260))[1] == Reason.RESULT_MISSING

    def test_the_time_before_a_controller_came_back_does_not_count(self):
        told = self.collecting(**SHORT)
        back = Attendance(since=at(20_000))
        assert said(decided(told, job=job(), pod=COLLECTS, now=20_059, attendance=back))[0] is Phase.RUNNING
        assert said(decided(told, job=job(), pod=COLLECTS, now=20_060, attendance=back))[0] is Phase.FAILED

    def test_the_time_of_an_outage_does_not_count(self):
        told = self.collecting(**SHORT)
        away = Attendance(outages=(Outage(at(7210), at(7230)), Outage(at(7000), at(7190))))
        assert said(decided(told, job=job(), pod=COLLECTS, now=7279, attendance=away))[0] is Phase.RUNNING
        assert said(decided(told, job=job(), pod=COLLECTS, now=7280, attendance=away))[0] is Phase.FAILED

    @pytest.mark.parametrize("seen", [{"pod": COLLECTS}, {"pod": OVER}, {}])
    @pytest.mark.parametrize("has_job", [True, False])
    def test_nothing_ends_on_a_read_that_failed(self, seen, has_job):
        told = self.collecting(**SHORT)
        here = {"job": job()} if has_job else {"plan": None}
        decision = decided(told, now=10**6, results_unknown=True, **seen, **here)
        assert decision.status.phase is Phase.RUNNING

    def test_however_short_the_time_output_and_log_are_looked_for(self):
        told = self.collecting(output={"collectTimeout": "0s"})
        assert said(decided(told, job=job(), pod=COLLECTS, now=7204))[0] is Phase.RUNNING
        assert said(decided(told, job=job(), pod=COLLECTS, now=7205))[0] is Phase.FAILED

    def test_outages_that_reach_over_the_edges_count_within_them(self):
        seen = Attendance(since=at(10), outages=(Outage(at(0), at(15)), Outage(at(40), at(90))))
        assert seen.seconds(at(5), at(50)) == pytest.approx(25)
        assert seen.seconds(at(60), at(50)) < 0


class TestANodeThatIsSilent:
    GOING = pod(running(), running(), deleted=600, conditions=(condition("DisruptionTarget"),))
    LATE = 600 + UNCONFIRMED_END

    def test_a_pod_that_was_to_be_gone_holds_its_run_for_five_minutes(self):
        told = execution(started_status())
        assert said(decided(told, job=job(), pod=self.GOING, now=self.LATE - 1)) == (
            Phase.RUNNING,
            Reason.RUNNING,
        )
        decision = decided(told, job=job(), pod=self.GOING, now=self.LATE)
        assert said(decision) == (Phase.FAILED, Reason.POD_LOST)
        assert 'its node "node-1" has not confirmed it' in (decision.status.message or "")
        assert "the program may still run there" in (decision.status.message or "")
        assert decision.delete_job

    def test_it_is_looked_at_when_the_time_is_over(self):
        decision = decided(execution(started_status()), job=job(), pod=self.GOING, now=self.LATE - 10)
        assert decision.wake_after == pytest.approx(10)

    @pytest.mark.parametrize("reason", StopReason)
    @pytest.mark.parametrize("has_job", [True, False])
    def test_a_stopped_run_too_since_nobody_knows_that_it_stopped(self, reason, has_job):
        told = started_status(stop_requested=stop_request(reason), reason="Stopping", since=at(8))
        here = {"job": job()} if has_job else {"plan": None}
        decision = decided(execution(told, cancel=True), pod=self.GOING, now=self.LATE, **here)
        assert said(decision) == (Phase.FAILED, Reason.POD_LOST)
        assert reason.value in (decision.status.message or "")

    def test_a_pod_that_was_told_to_end_and_does_not_is_lost_after_its_grace(self):
        told = execution(
            started_status(stop_requested=stop_request(), reason="Stopping", since=at(8)), cancel=True
        )
        seen = pod(running(), running(), deadline=1)
        late = 8 + 30 + 60 + UNCONFIRMED_END
        assert said(decided(told, job=job(), pod=seen, now=late - 1)) == (Phase.RUNNING, Reason.STOPPING)
        assert said(decided(told, job=job(), pod=seen, now=late)) == (Phase.FAILED, Reason.POD_LOST)

    def test_a_controller_that_comes_back_first_tells_the_pod_and_waits(self):
        told = execution(
            started_status(stop_requested=stop_request(), reason="Stopping", since=at(8)), cancel=True
        )
        back = Attendance(since=at(10_000))
        seen = pod(running(), running(), deadline=7200)
        decision = decided(told, job=job(), pod=seen, now=10_001, attendance=back)
        assert said(decision) == (Phase.RUNNING, Reason.STOPPING)
        assert decision.stop_pod

    def test_a_node_that_comes_back_in_time_says_how_the_program_ended(self):
        back = pod(ended(0), ended(until=16), deleted=600)
        assert (
            said(decided(execution(started_status()), job=job(), pod=back, now=700, **KEPT))[0]
            is Phase.SUCCEEDED
        )

    def test_a_silent_pod_without_a_job_is_looked_at_ever_more_seldom(self):
        told = execution(started_status(reason="Stopping", since=at(20)))
        wakes = [
            decided(told, pod=pod(running(), running(), deleted=500), plan=None, now=now).wake_after
            for now in (20, 60, 400)
        ]
        assert wakes == [2, 10, 30]


class TestTimeouts:
    def test_a_run_that_ended_in_time_has_not_timed_out_though_its_stop_was_recorded(self):
        told = execution(started_status(stop_requested=stop_request(StopReason.TIMEOUT, 15)), timeout="10s")
        seen = pod(ended(0, since=5, until=14), ended(until=16), deadline=1)
        assert said(decided(told, job=job(), pod=seen, now=22, **KEPT)) == (Phase.SUCCEEDED, Reason.SUCCEEDED)

    def test_a_node_whose_clock_is_behind_ends_no_program_that_has_just_started(self):
        behind = pod(running(-1200), running(-1200))
        behind = behind.model_copy(
            update={"metadata": behind.metadata.model_copy(update={"status_written": at(5)})}
        )
        told = execution(pending(), timeout="10m")
        decision = decided(told, job=job(), pod=behind, now=6)
        assert said(decision) == (Phase.RUNNING, Reason.RUNNING)
        assert decision.wake_after == pytest.approx(600)

    def test_a_node_whose_clock_is_ahead_holds_up_no_timeout(self):
        ahead = pod(running(3600), running(3600))
        ahead = ahead.model_copy(
            update={"metadata": ahead.metadata.model_copy(update={"status_written": at(5)})}
        )
        told = execution(started_status(start_time=at(3600)), timeout="10m")
        assert decided(told, job=job(), pod=ahead, now=604).status.reason == Reason.RUNNING
        assert decided(told, job=job(), pod=ahead, now=605).stop_pod

    def test_without_word_of_the_kubelet_s_write_the_first_sight_counts(self):
        bare = pod(running(), running())
        bare = bare.model_copy(update={"metadata": bare.metadata.model_copy(update={"status_written": None})})
        told = execution(started_status(since=at(50)), timeout="10s")
        assert decided(told, job=job(), pod=bare, now=59).status.reason == Reason.RUNNING
        assert decided(told, job=job(), pod=bare, now=60).stop_pod


def test_the_kubelet_s_write_is_read_from_managed_fields():
    fields = [
        {"manager": "kube-controller-manager", "time": "2026-03-01T12:00:09Z"},
        {"manager": "kubelet", "subresource": "status", "time": "2026-03-01T12:00:05Z"},
        {"manager": "kube-scheduler", "subresource": "status", "time": "2026-03-01T12:00:02Z"},
        {"manager": "odd", "subresource": "status", "time": None},
    ]
    body = pod(running()).model_dump(mode="json", by_alias=True)
    body["metadata"]["managedFields"] = fields
    assert type(pod()).model_validate(body).metadata.status_written == at(5)
    body["metadata"]["managedFields"] = []
    assert type(pod()).model_validate(body).metadata.status_written is None
