"""The clocks of node and control plane may be off by an hour and more: no run ends wrongly, and each limit holds."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.resources.pods.observed import JobView, PodView
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
    running,
    waiting,
)

SKEWS = st.integers(min_value=-5400, max_value=5400)
PAUSES = st.integers(min_value=7, max_value=60)
"""Seconds between two looks."""
STARTS, TIMEOUT = 500, 600
KEPT: dict[str, Any] = {"manifest": manifest(file()), "log": log(), "output": main_output()}


class Skewed:
    """A run seen through clocks that are off: the node's by ``node`` seconds, the Job controller's by ``plane``."""

    def __init__(self, node: int, plane: int, **spec: Any) -> None:
        self.node = node
        self.job: JobView = job(started=1 + plane)
        self.one = execution(**spec)

    def look(self, now: float, seen: PodView | None, **kept: Any) -> Any:
        decision = decided(self.one, now=now, job=self.job, pod=seen, **kept)
        assert not decision.create
        self.one = self.one.model_copy(update={"status": decision.status})
        return decision

    def pod(self, written: float, main: Any, collector: Any) -> PodView:
        """Return the pod as its kubelet wrote it at ``written`` by the API server's clock."""
        one = pod(main, collector, conditions=(condition("PodScheduled", since=2),))
        return one.model_copy(
            update={"metadata": one.metadata.model_copy(update={"status_written": at(written)})}
        )

    def runs(self) -> PodView:
        return self.pod(STARTS, running(STARTS + self.node), running(STARTS + self.node))

    def over(self, end: float, code: int = 0) -> PodView:
        main = ended(code, since=STARTS + self.node, until=end + self.node)
        return self.pod(end, main, running(STARTS + self.node))


@settings(max_examples=15, deadline=None)
@given(SKEWS, SKEWS, PAUSES)
def test_a_run_within_its_limits_succeeds_whatever_the_clocks_say(node, plane, pause):
    run = Skewed(node, plane, timeout=f"{TIMEOUT}s", output={"collectTimeout": "1m"})
    run.look(1, None)
    for now in range(3, STARTS, pause):
        assert run.look(now, run.pod(3, waiting(), waiting())).status.phase is Phase.PENDING
    for now in range(STARTS + 1, STARTS + TIMEOUT - 2, pause):
        assert run.look(now, run.runs()).status.reason == Reason.RUNNING
    end = STARTS + TIMEOUT - 2
    for now in range(end + 1, end + 50, pause):
        assert not (run.look(now, run.over(end)).status.phase or Phase.PENDING).terminal
    done = run.look(end + 50, run.over(end), **KEPT).status
    assert (done.phase, done.reason) == (Phase.SUCCEEDED, Reason.SUCCEEDED)
    assert done.duration == "9m58s"


@settings(max_examples=15, deadline=None)
@given(SKEWS, SKEWS, PAUSES)
def test_a_run_over_its_timeout_is_stopped_in_time_whatever_the_clocks_say(node, plane, pause):
    run = Skewed(node, plane, timeout=f"{TIMEOUT}s")
    run.look(1, None)
    now = STARTS + 1
    while not (decision := run.look(now, run.runs())).stop_pod:
        assert decision.wake_after is not None
        now += min(pause, decision.wake_after)
        assert now <= STARTS + TIMEOUT + 2
    assert now >= STARTS + TIMEOUT
    late = STARTS + TIMEOUT + 5
    done = run.look(late, run.over(late, 143), **KEPT).status
    assert (done.phase, done.reason) == (Phase.FAILED, Reason.TIMEOUT)


@settings(max_examples=15, deadline=None)
@given(SKEWS, SKEWS, PAUSES)
def test_what_never_starts_and_what_is_never_kept_ends_in_time_whatever_the_clocks_say(node, plane, pause):
    run = Skewed(node, plane)
    run.look(1, None)
    now = 2
    while not run.look(now, run.pod(3, waiting(), waiting())).status.phase.terminal:
        now += pause
        assert now <= 602 + pause
    assert (now, run.one.status.reason) >= (602, "StartTimeout")

    run = Skewed(node, plane, output={"collectTimeout": "1m"})
    run.look(STARTS + 1, run.runs())
    now = end = STARTS + 20
    while not run.look(now, run.over(end), log=log()).status.phase.terminal:
        now += pause
        assert now <= end + 5 + 60 + 2 * pause
    assert now >= end + 60
    assert run.one.status.reason == Reason.RESULT_MISSING


@given(SKEWS, SKEWS)
def test_a_job_that_its_queue_has_let_run_has_its_whole_start_timeout(node, plane):
    run = Skewed(node, plane, queueName="small")
    run.job = job(suspended=True)
    run.look(7200, None)
    run.job = job(started=9000 + plane, queued_at=9000 + plane)
    assert run.look(9001, None).status.reason == Reason.STARTING
    assert run.look(9600, None).status.reason == Reason.STARTING
    assert run.look(9601, None).status.reason == Reason.START_TIMEOUT


@given(st.datetimes(min_value=at(0).replace(tzinfo=None), max_value=at(9).replace(tzinfo=None)))
def test_since_is_never_before_its_moment(moment):
    now = moment.replace(tzinfo=at(0).tzinfo)
    one = decided(job=job(), now=(now - at(0)) / timedelta(seconds=1)).status
    assert one.since is not None
    assert now <= one.since < now + timedelta(seconds=1)
