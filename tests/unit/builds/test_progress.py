"""The truth table of a build: what is seen of it, and what is then said and done."""

from typing import Any

import pytest

from serviceexecution.builds.ending import ATTEMPTS, LOG_GRACE
from serviceexecution.builds.progress import STOP_GRACE
from serviceexecution.builds.reasons import MEANINGS, RETRIED, BuildReason
from serviceexecution.resources.pods.observed import ConditionView
from serviceexecution.resources.pods.pod_end import STOP_DEADLINE
from serviceexecution.resources.pods.pod_start import StartFault, StartProblem
from serviceexecution.resources.services.definition_status import RevisionPhase
from tests.unit.builds.builders import (
    IMAGE_DIGEST,
    at,
    building,
    decided,
    definition,
    ended,
    job,
    job_name,
    job_uid,
    log,
    pod,
    report,
    revision,
    running,
    status,
    waiting,
)

PENDING, BUILDING = RevisionPhase.PENDING, RevisionPhase.BUILDING
SUCCEEDED, FAILED = RevisionPhase.SUCCEEDED, RevisionPhase.FAILED
CANCEL: dict[str, Any] = {"build": {"cancel": "r1"}}


def newest(decision):
    return decision.status.revisions[0]


def said(decision):
    return newest(decision).phase, newest(decision).reason


def of(one, **spec):
    return definition(status(one), **spec)


class TestPending:
    def test_a_new_service_is_built_at_once(self):
        decision = decided(definition())
        one = newest(decision)
        assert said(decision) == (BUILDING, "Starting")
        assert (one.attempts, one.attempt_time, one.builder, one.job) == (1, at(20), "buildkit", None)
        assert decision.create == one

    @pytest.mark.parametrize(("age", "wake"), [(0, 2), (59, 2), (61, 30), (100_000, 30)])
    def test_a_source_that_is_missing_is_asked_for_again(self, age, wake):
        one = of(revision(start_time=at(0)))
        decision = decided(one, now=age, source_missing=True)
        assert said(decision) == (PENDING, "SourceMissing")
        assert (decision.wake_after, decision.create) == (wake, None)

    def test_a_build_waits_for_others(self):
        decision = decided(of(revision()), before=3)
        assert said(decision) == (PENDING, "Queued")
        assert decision.create is None
        assert decision.wake_after == 60

    def test_where_nothing_can_build_the_revision_fails(self):
        decision = decided(of(revision()), builder=None, no_builder="Set builds.seccompProfile.")
        assert said(decision) == (FAILED, "NoBuilder")
        assert newest(decision).message == "Nothing can build images here. Set builds.seccompProfile."

    def test_a_build_that_waits_is_cancelled(self):
        decision = decided(of(revision(), **CANCEL))
        assert said(decision) == (RevisionPhase.CANCELLED, "Cancelled")
        assert newest(decision).completion_time == at(20)

    def test_a_cancelled_one_is_not_built_again(self):
        first = decided(of(revision(), **CANCEL))
        again = decided(definition(first.status, **CANCEL), now=30)
        assert again.status == first.status
        assert again.create is None

    def test_the_next_attempt_waits_for_its_time(self):
        one = of(revision(reason="PodLost", attempts=1, next_attempt_time=at(30)))
        decision = decided(one, now=20)
        assert said(decision) == (PENDING, "PodLost")
        assert decision.wake_after == 10
        due = decided(one, now=30)
        assert said(due) == (BUILDING, "Starting")
        assert (newest(due).attempts, newest(due).next_attempt_time) == (2, None)


class TestJob:
    def test_what_was_said_is_done_after_a_restart(self):
        decision = decided(of(building(recorded=False)))
        assert decision.create == newest(decision)
        assert newest(decision).attempts == 1

    def test_the_job_is_recorded(self):
        decision = decided(of(building(recorded=False)), jobs=(job(),))
        assert newest(decision).job is not None
        assert newest(decision).job.uid == job_uid()
        assert decision.create is None

    def test_a_recorded_job_that_is_gone_is_another_attempt(self):
        decision = decided(of(building()))
        assert said(decision) == (PENDING, "PodLost")
        assert decision.create is None
        assert "Its Job was deleted. It is tried again in 10s, as attempt 2 of 3." in newest(decision).message
        assert newest(decision).next_attempt_time == at(30)

    def test_a_report_counts_although_the_job_is_gone(self):
        assert said(decided(of(building()), report=report())) == (SUCCEEDED, "Succeeded")

    def test_the_report_of_an_earlier_attempt_does_not(self):
        decision = decided(of(building(attempts=2)), report=report(attempt=1))
        assert said(decision) == (PENDING, "PodLost")

    @pytest.mark.parametrize(
        ("refused", "age", "after"),
        [
            (
                StartProblem(StartFault.QUOTA_EXCEEDED, "exceeded quota", None),
                20,
                (BUILDING, "QuotaExceeded"),
            ),
            (StartProblem(StartFault.QUOTA_EXCEEDED, "exceeded quota", None), 603, (FAILED, "QuotaExceeded")),
            (StartProblem(StartFault.POD_REFUSED, "no", 0), 20, (FAILED, "PodRefused")),
            (StartProblem(StartFault.POD_REFUSED, "no", 60), 20, (BUILDING, "PodRefused")),
        ],
    )
    def test_the_api_server_refuses_the_job(self, refused, age, after):
        decision = decided(of(building(recorded=False)), now=age, refused=refused)
        assert said(decision) == after
        assert decision.create is None
        if after[0] is BUILDING:
            assert decision.wake_after == 5

    def test_a_refused_job_is_tried_again(self):
        decision = decided(of(building(recorded=False, reason="QuotaExceeded")))
        assert decision.create is not None
        assert newest(decision).attempts == 1


class TestStart:
    @pytest.mark.parametrize(
        ("now", "after"), [(20, (BUILDING, "Starting")), (604, (FAILED, "StartTimeout"))]
    )
    def test_a_job_without_a_pod_is_waited_for_but_not_for_ever(self, now, after):
        assert said(decided(of(building()), now=now, jobs=(job(),))) == after

    def test_the_job_controller_cannot_make_the_pod(self):
        problem = StartProblem(StartFault.POD_REFUSED, "violates PodSecurity", 60)
        early = decided(of(building()), now=20, jobs=(job(),), creation_problem=problem)
        late = decided(definition(early.status), now=80, jobs=(job(),), creation_problem=problem)
        assert said(early) == (BUILDING, "PodRefused")
        assert said(late) == (FAILED, "PodRefused")
        assert newest(late).message.endswith("violates PodSecurity")
        assert late.delete == (job(),)

    @pytest.mark.parametrize(
        ("seen", "now", "after"),
        [
            (pod(waiting()), 20, (BUILDING, "Starting")),
            (pod(waiting("ErrImagePull", "manifest unknown")), 20, (BUILDING, "ImageNotFound")),
            (pod(waiting("ErrImagePull", "connection refused")), 130, (BUILDING, "ImagePullFailed")),
            (pod(waiting("ErrImagePull", "connection refused")), 605, (FAILED, "ImagePullFailed")),
            (
                pod(conditions=(ConditionView(type="PodScheduled", status="False", message="0/1 nodes"),)),
                20,
                (BUILDING, "Unschedulable"),
            ),
            (
                pod(conditions=(ConditionView(type="PodScheduled", status="False", message="0/1 nodes"),)),
                605,
                (FAILED, "Unschedulable"),
            ),
        ],
    )
    def test_a_pod_that_waits_says_what_for(self, seen, now, after):
        decision = decided(of(building(reason="Starting")), now=now, pod=seen)
        assert said(decision) == after
        assert decision.delete == ((job(),) if after[0] is FAILED else ())

    def test_a_cause_has_its_limit_from_when_it_began(self):
        """Not from the start: a node that took long to come would use up the limit of a typing error."""
        seen = pod(waiting("ErrImagePull", "manifest unknown"))
        first = decided(of(building(reason="Starting", since=at(3))), now=500, pod=seen)
        assert said(first) == (BUILDING, "ImageNotFound")
        assert newest(first).since == at(500)
        later = decided(definition(first.status), now=510, pod=seen)
        assert (said(later), newest(later).since) == ((BUILDING, "ImageNotFound"), at(500))
        last = decided(definition(later.status), now=604, pod=seen)
        assert said(last) == (FAILED, "ImageNotFound"), "the whole start has its limit as well"

    def test_a_cause_that_stays_ends_the_start(self):
        one = of(building(reason="ImageNotFound", since=at(10)))
        seen = pod(waiting("ErrImagePull", "manifest unknown"))
        assert said(decided(one, now=129, pod=seen)) == (BUILDING, "ImageNotFound")
        assert said(decided(one, now=130, pod=seen)) == (FAILED, "ImageNotFound")

    def test_a_cause_of_which_an_older_version_did_not_say_since_when_counts_from_the_start(self):
        one = of(building(reason="ImageNotFound"))
        decision = decided(one, now=130, pod=pod(waiting("ErrImagePull", "manifest unknown")))
        assert said(decision) == (FAILED, "ImageNotFound")

    def test_a_secret_is_missing(self):
        problem = StartProblem(StartFault.SECRET_NOT_FOUND, 'secret "login" not found', 60)
        early = decided(of(building()), now=20, pod=pod(waiting()), mount_problem=problem)
        late = decided(definition(early.status), now=80, pod=pod(waiting()), mount_problem=problem)
        assert said(early) == (BUILDING, "SecretNotFound")
        assert said(late) == (FAILED, "SecretNotFound")

    def test_between_two_pulls_the_cause_stays(self):
        one = of(building(reason="ImageNotFound", message="It is not there."))
        decision = decided(one, now=20, pod=pod(waiting("ImagePullBackOff", "Back-off")))
        assert said(decision) == (BUILDING, "ImageNotFound")
        assert newest(decision).message == "It is not there."

    def test_a_cancelled_one_leaves_no_job(self):
        for seen in ({"jobs": (job(),)}, {"pod": pod(waiting())}):
            decision = decided(of(building(), **CANCEL), **seen)
            assert said(decision)[0] is RevisionPhase.CANCELLED
            assert decision.delete == (job(),)


class TestRunning:
    def test_a_build_runs_and_its_log_is_followed(self):
        decision = decided(of(building()), pod=pod(running()))
        assert said(decision) == (BUILDING, "Building")
        assert newest(decision).build_time == at(5)
        (followed,) = decision.follow
        assert (followed.revision, followed.attempt, followed.ended) == ("r1", 1, False)
        assert decision.wake_after == 1800 - 15

    @pytest.mark.parametrize(
        ("spec", "now", "over"),
        [({}, 1804, False), ({}, 1805, True), ({"build": {"timeout": "1m"}}, 65, True)],
    )
    def test_a_running_build_is_stopped_at_its_timeout(self, spec, now, over):
        decision = decided(of(building(), **spec), now=now, pod=pod(running()))
        assert said(decision) == (BUILDING, "Timeout" if over else "Building")
        if over:
            assert newest(decision).stop_time == at(now)
            assert decision.stop == (pod(running()),), "by its deadline, so that the log stays"
            assert decision.delete == ()
            assert len(decision.follow) == 1

    @pytest.mark.parametrize("skew", [-5400, 5400])
    def test_a_timeout_counts_on_one_clock(self, skew):
        seen = pod(running(since=10 + skew))
        first = decided(of(building(reason="Starting", since=at(3))), now=10, pod=seen)
        assert (said(first), newest(first).since) == ((BUILDING, "Building"), at(10))
        one = definition(first.status)
        assert said(decided(one, now=1809, pod=seen)) == (BUILDING, "Building")
        assert said(decided(one, now=1810, pod=seen)) == (BUILDING, "Timeout")

    def test_a_running_build_is_stopped_when_it_is_cancelled(self):
        decision = decided(of(building(), **CANCEL), pod=pod(running()))
        assert said(decision) == (BUILDING, "Cancelled")
        assert decision.stop == (pod(running()),)
        assert decision.delete == ()


class TestStopped:
    """What was told to end has ended when its log is kept: it is judged by why it was told to."""

    CASES = (("Cancelled", RevisionPhase.CANCELLED), ("Timeout", FAILED))

    def stopping(self, reason="Timeout"):
        return of(building(reason=reason, message="Why.", stop_time=at(20), build_time=at(5)))

    def test_the_pod_is_stopped_once(self):
        seen = pod(running(), deadline=STOP_DEADLINE)
        decision = decided(self.stopping(), now=25, pod=seen)
        assert said(decision) == (BUILDING, "Timeout")
        assert (decision.stop, decision.delete) == ((), ())
        assert len(decision.follow) == 1

    def test_a_stopped_build_s_log_is_waited_for(self):
        decision = decided(self.stopping(), now=25, pod=pod(ended(143, until=22)))
        assert said(decision) == (BUILDING, "Timeout")
        assert decision.delete == ()

    @pytest.mark.parametrize(("reason", "phase"), CASES)
    @pytest.mark.parametrize("code", [143, 0])
    def test_a_stopped_build_has_ended_with_its_log(self, reason, phase, code):
        seen = pod(ended(code, until=22))
        decision = decided(self.stopping(reason), now=25, pod=seen, log=log(), report=report("StepFailed"))
        one = newest(decision)
        assert (one.phase, one.reason, one.message) == (phase, reason, "Why.")
        assert one.log is not None
        assert decision.delete == (job(),)

    @pytest.mark.parametrize(("reason", "phase"), CASES)
    def test_a_stopped_build_has_ended_when_pod_or_job_is_gone(self, reason, phase):
        for seen in ({"jobs": (job(),)}, {}):
            assert said(decided(self.stopping(reason), now=25, **seen)) == (phase, reason)

    def test_a_stopped_build_has_ended_when_the_node_is_gone(self):
        seen = pod(running(), deadline=STOP_DEADLINE)
        decision = decided(self.stopping(), now=20 + STOP_GRACE, pod=seen)
        assert said(decision) == (FAILED, "Timeout")
        assert decision.delete == (), "its log may still come"
        late = decided(definition(decision.status), now=20 + STOP_GRACE + LOG_GRACE, pod=seen)
        assert late.delete == (job(),)

    def test_a_new_source_does_not_wait_for_it(self):
        old = building(key="older", reason="Cancelled", stop_time=at(10), build_time=at(5))
        decision = decided(of(old), jobs=(job(),), pods={job_uid(): pod(running())})
        assert [one.phase for one in decision.status.revisions] == [BUILDING, RevisionPhase.SUPERSEDED]


class TestEnd:
    def test_the_log_is_waited_for(self):
        decision = decided(of(building()), now=16, pod=pod(ended()), report=report())
        assert newest(decision).phase is BUILDING
        (followed,) = decision.follow
        assert followed.ended
        assert decision.wake_after == 2

    def test_a_report_is_not_waited_for_for_ever(self):
        first = decided(of(building()), now=16, pod=pod(ended()), report=report())
        decision = decided(definition(first.status), now=16 + LOG_GRACE, pod=pod(ended()), report=report())
        assert said(decision) == (SUCCEEDED, "Succeeded")
        assert newest(decision).log is None
        assert newest(decision).message == "The image was built. Its log could not be kept."
        assert decision.delete == (job(),)

    @pytest.mark.parametrize("skew", [-5400, 5400])
    def test_the_log_is_waited_for_on_one_clock(self, skew):
        dead = pod(ended(1, since=5 + skew, until=15 + skew))
        failed = report("StepFailed", message="RUN make failed.")
        first = decided(of(building()), now=16, pod=dead, report=failed)
        assert newest(first).phase is BUILDING
        one = definition(first.status)
        assert newest(decided(one, now=15 + LOG_GRACE, pod=dead, report=failed)).phase is BUILDING
        last = decided(one, now=16 + LOG_GRACE, pod=dead, report=failed)
        assert said(last) == (FAILED, "StepFailed")

    def test_a_failed_build_without_a_log_says_so(self):
        one = of(building(program_end_time=at(16), build_time=at(5)))
        failed = report("StepFailed", message="RUN make failed.")
        decision = decided(one, now=16 + LOG_GRACE, pod=pod(ended(1)), report=failed)
        assert newest(decision).message == "RUN make failed. Its log could not be kept."

    def test_a_build_that_never_ran_misses_no_log(self):
        problem = StartProblem(StartFault.POD_REFUSED, "no", 0)
        decision = decided(of(building(recorded=False)), refused=problem)
        assert said(decision) == (FAILED, "PodRefused")
        assert "log" not in newest(decision).message

    def test_a_build_that_succeeds_has_an_image(self):
        decision = decided(of(building()), pod=pod(ended()), log=log(), report=report())
        one = newest(decision)
        assert said(decision) == (SUCCEEDED, "Succeeded")
        assert one.image == f"localhost:30500/team/adder@{IMAGE_DIGEST}"
        assert (one.image_digest, one.image_bytes, one.completion_time) == (IMAGE_DIGEST, 1234, at(20))
        assert one.log is not None
        assert (one.log.bytes, one.log.truncated) == (120, False)
        assert decision.delete == (job(),)
        assert (decision.status.revision, decision.status.image) == ("r1", one.image)

    def test_schemas_and_commit_are_kept(self):
        said_so = report(
            commit="c" * 40, input_schema={"type": "object"}, output_schema={"type": "array", "default": None}
        )
        one = newest(decided(of(building()), pod=pod(ended()), log=log(), report=said_so))
        assert (one.commit, one.input_schema) == ("c" * 40, {"type": "object"})
        assert one.output_schema == {"type": "array", "default": None}

    def test_a_schema_that_is_too_large_is_left_out(self):
        said_so = report(input_schema={"enum": ["x" * 40_000]}, output_schema={"type": "object"})
        one = newest(decided(of(building()), pod=pod(ended()), log=log(), report=said_so))
        assert (one.input_schema, one.output_schema) == (None, {"type": "object"})

    def test_success_needs_a_digest(self):
        decision = decided(of(building()), pod=pod(ended()), log=log(), report=report(image_digest="latest"))
        assert said(decision) == (PENDING, "BuilderFailed")

    def test_a_log_that_was_cut_is_known_to_be_lost(self):
        decision = decided(of(building()), pod=pod(ended()), log=log(complete=False), report=report())
        assert said(decision) == (SUCCEEDED, "Succeeded")
        assert newest(decision).log is not None
        assert newest(decision).log.truncated

    def test_the_log_of_an_earlier_attempt_is_not_this_ones(self):
        one = of(building(attempts=2))
        seen = {"jobs": (job(attempt=2),), "pods": {job_uid(attempt=2): pod(ended(), attempt=2)}}
        decision = decided(one, now=16, logs={"r1": log(attempt=1)}, report=report(attempt=2), **seen)
        assert newest(decision).phase is BUILDING

    def test_a_failure_says_what_the_builder_said(self):
        said_so = report("StepFailed", message="RUN make ended with 2:\n  no rule", step="RUN make")
        decision = decided(of(building()), pod=pod(ended(1)), log=log(), report=said_so)
        one = newest(decision)
        assert said(decision) == (FAILED, "StepFailed")
        assert (one.message, one.step) == ("RUN make ended with 2: no rule", "RUN make")
        assert one.image is None

    def test_a_failure_without_words_has_the_reasons_sentence(self):
        decision = decided(of(building()), pod=pod(ended(1)), log=log(), report=report("StepFailed"))
        assert newest(decision).message == MEANINGS[BuildReason.STEP_FAILED].sentence

    @pytest.mark.parametrize("word", ["Surprise", "Succeeded", ""])
    def test_a_word_that_is_not_in_the_list_is_a_fault_of_the_builder(self, word):
        said_so = report("StepFailed").model_copy(update={"reason": word})
        decision = decided(of(building()), pod=pod(ended(1)), log=log(), report=said_so)
        assert newest(decision).reason == "BuilderFailed"

    def test_a_report_counts_although_the_pod_died(self):
        for dead in (
            pod(phase="Failed", reason="Evicted"),
            pod(ended(137, reason="OOMKilled")),
            pod(running(), phase="Failed"),
        ):
            decision = decided(of(building()), now=100, pod=dead, log=log(), report=report())
            assert said(decision) == (SUCCEEDED, "Succeeded")

    @pytest.mark.parametrize(
        ("dead", "reason"),
        [
            (pod(phase="Failed", reason="Evicted", message="disk"), "Evicted"),
            (pod(phase="Failed", reason="DeadlineExceeded"), "Timeout"),
            (pod(ended(137, reason="OOMKilled")), "OutOfMemory"),
            (
                pod(ended(143), conditions=(ConditionView(type="DisruptionTarget", status="True"),)),
                "PodLost",
            ),
            (pod(ended(137, reason="ContainerStatusUnknown")), "PodLost"),
            (pod(phase="Failed"), "PodLost"),
            (pod(ended(128, reason="StartError", message="exec failed")), "StartFailed"),
            (pod(ended(1, message="Traceback\nValueError: x")), "BuilderFailed"),
            (pod(ended(0)), "BuilderFailed"),
        ],
    )
    def test_without_a_report_the_pod_says_why_a_build_failed(self, dead, reason):
        decision = decided(of(building()), now=100, pod=dead, log=log())
        final = BuildReason(reason) not in RETRIED
        assert said(decision) == (FAILED if final else PENDING, reason)
        assert decision.delete == (job(),)

    def test_last_words_are_told(self):
        dead = pod(ended(1, message="Traceback\nValueError: x"))
        decision = decided(of(building()), now=100, pod=dead, log=log())
        assert "exit code 1" in newest(decision).message
        assert "ValueError: x" in newest(decision).message

    def test_a_pod_that_is_gone(self):
        one = of(building(build_time=at(5)))
        decision = decided(one, now=100, jobs=(job(),), logs={"r1": log(complete=False)})
        assert said(decision) == (PENDING, "PodLost")
        assert newest(decision).build_time is None

    def test_a_build_that_ended_is_not_cancelled(self):
        decision = decided(of(building(), **CANCEL), pod=pod(ended()), log=log(), report=report())
        assert said(decision) == (SUCCEEDED, "Succeeded")


class TestAttempts:
    @pytest.mark.parametrize("reason", sorted(RETRIED))
    def test_faults_of_the_platform_are_tried_three_times(self, reason):
        pauses = []
        for attempt in range(1, ATTEMPTS + 1):
            one = of(building(attempts=attempt))
            seen: dict[str, Any] = {
                "jobs": (job(attempt=attempt),),
                "pods": {job_uid(attempt=attempt): pod(ended(1), attempt=attempt)},
                "logs": {"r1": log(attempt=attempt)},
                "report": report(reason, attempt=attempt),
            }
            decision = decided(one, **seen)
            assert decision.delete == (job(attempt=attempt),)
            if newest(decision).phase is PENDING:
                pauses.append(decision.wake_after)
        assert pauses == [10, 60]
        assert said(decision) == (FAILED, reason)
        assert newest(decision).next_attempt_time is None

    @pytest.mark.parametrize("reason", ["GitFailed", "RegistryFull", "StepFailed", "SourceTooLarge"])
    def test_what_stays_wrong_is_not(self, reason):
        decision = decided(of(building()), pod=pod(ended(1)), log=log(), report=report(reason))
        assert said(decision) == (FAILED, reason)

    def test_each_attempt_has_a_job_of_its_own(self):
        assert len({job_name("r1", 1), job_name("r1", 2), job_name("r2", 1)}) == 3


class TestAfterTheEnd:
    """What is left of an attempt that is over."""

    def left(self, phase, seen, *, now=30, logs=None, **members):
        one = revision(phase, "Timeout", attempts=1, completion_time=at(20), **members)
        return decided(of(one), now=now, jobs=(job(),), pods={job_uid(): seen}, logs=logs or {})

    def test_a_pod_that_still_runs_is_stopped(self):
        decision = self.left(FAILED, pod(running()))
        assert decision.stop == (pod(running()),)
        assert decision.wake_after == 2

    def test_an_ended_build_s_pod_is_stopped_once(self):
        decision = self.left(FAILED, pod(running(), deadline=STOP_DEADLINE))
        assert (decision.stop, decision.delete) == ((), ())
        assert len(decision.follow) == 1

    def test_an_ended_build_s_log_is_kept_and_then_its_job_goes(self):
        assert self.left(FAILED, pod(ended(143, until=21))).delete == ()
        decision = self.left(FAILED, pod(ended(143, until=21)), logs={"r1": log()})
        assert decision.delete == (job(),)
        assert newest(decision).log is not None
        assert newest(decision).phase is FAILED

    def test_a_log_that_comes_after_the_end_is_no_longer_missed(self):
        said_before = "RUN make failed. Its log could not be kept."
        seen = pod(ended(143, until=21))
        decision = self.left(FAILED, seen, logs={"r1": log()}, message=said_before)
        assert newest(decision).message == "RUN make failed."

    def test_an_ended_build_s_log_is_not_waited_for_for_ever(self):
        decision = self.left(FAILED, pod(running(), deadline=STOP_DEADLINE), now=20 + LOG_GRACE)
        assert decision.delete == (job(),)

    def test_what_never_started_has_no_log(self):
        for seen in (pod(waiting()), pod(), pod(phase="Failed")):
            assert self.left(RevisionPhase.CANCELLED, seen).delete == (job(),)

    def test_jobs_of_revisions_that_nobody_knows_go(self):
        one = of(revision(SUCCEEDED, name="r9"))
        decision = decided(one, jobs=(job("r3"),), pods={job_uid("r3"): pod(running(), name="r3")})
        assert decision.delete == (job("r3"),)

    def test_jobs_of_earlier_attempts_go(self):
        one = of(building(attempts=2))
        decision = decided(one, jobs=(job(attempt=1), job(attempt=2)))
        assert decision.delete == (job(attempt=1),)

    def test_the_job_of_an_attempt_that_is_repeated_goes(self):
        one = of(revision(attempts=1, reason="PodLost", next_attempt_time=at(50)))
        assert decided(one, jobs=(job(),), pods={job_uid(): pod(running())}).delete == (job(),)

    def test_a_superseded_one_is_stopped_while_the_new_one_begins(self):
        old = building(key="older", build_time=at(5))
        decision = decided(of(old), jobs=(job(),), pods={job_uid(): pod(running())})
        new, before = decision.status.revisions
        assert (new.name, new.phase, before.phase) == ("r2", BUILDING, RevisionPhase.SUPERSEDED)
        assert decision.create == new
        assert decision.stop == (pod(running()),)


def test_a_service_that_is_being_deleted_is_left_alone():
    decision = decided(definition(status(building()), deleted=True), pod=pod(running()))
    assert decision.status == status(building())
    assert (decision.create, decision.stop, decision.delete, decision.wake_after) == (None, (), (), None)
