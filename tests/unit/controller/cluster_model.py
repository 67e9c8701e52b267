"""A small model of a cluster that moves forward step by step, and of the controller that looks at it.

Job and pod start, end, are lost or deleted; output and log are committed or never; the user cancels; time passes.
All that the controller knows is in the status, so that looking is the same as restarting.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from serviceexecution.executions.attempts.rules import STARTLESS_RETRIES
from serviceexecution.executions.decide import decide
from serviceexecution.executions.outcome import Decision
from serviceexecution.executions.reasons import MEANINGS, Reason
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase
from serviceexecution.resources.pods.observed import ContainerStateView, JobView, PodView
from serviceexecution.resources.pods.pod_end import STOP_DEADLINE
from serviceexecution.resources.status_patch import status_patch
from tests.unit.executions.builders import (
    ended,
    file,
    job,
    log,
    main_output,
    manifest,
    observation,
    pod,
    running,
    unscheduled,
    waiting,
)


@dataclass
class Cluster:
    """What is true, apart from what the controller makes of it."""

    execution: ServiceExecution
    now: float = 0
    job: JobView | None = None
    main: ContainerStateView | None = None
    collector: ContainerStateView | None = None
    pod: PodView | None = None
    committed: bool = False
    logged: bool | None = None
    away: bool = False
    succeeded: bool = False
    created: int = 0
    left_job: JobView | None = None
    """The Job of the attempt before, which was not deleted yet."""
    left_pods: list[PodView] = field(default_factory=list)
    """Pods of earlier attempts that have not gone."""
    writes: list[ExecutionStatus] = field(default_factory=list)

    def possible(self) -> list[str]:
        """Return what may happen next, several times what should happen often: progress, and looking."""
        main, alive = self.main, self.pod is not None and not self.pod.ended
        waits = alive and main is not None and main.waiting is not None
        runs = alive and main is not None and main.running is not None
        over = main is not None and main.terminated is not None
        suspended = self.job is not None and self.job.spec.suspend
        guards = {
            "wait a second": True,
            "wait a minute": True,
            "wait a day": True,
            "cancel": not self.execution.spec.cancel,
            "tags": self.execution.spec.tags is None,
            "admit": suspended,
            "preempt": self._may_preempt(),
            "pod appears": self.job is not None and not suspended and self.pod is None and main is None,
            "pod is stuck": waits,
            "main starts": waits,
            "main succeeds": runs,
            "main fails": runs,
            "main runs out of memory": runs,
            "commit": over and not self.committed,
            "log": over and self.logged is None,
            "log is cut": main is not None and main.waiting is None and self.logged is None,
            "store goes away or comes back": True,
            "collector ends": alive and over,
            "node is lost": alive,
            "pod is gone": self.pod is not None,
            "job is gone": self.job is not None,
            "job is complete": self.succeeded and self.job is not None,
            "pods of before are gone": bool(self.left_pods),
        }
        events = [event for event, can in guards.items() if can]
        likely = [event for event in events if event in _PROGRESS]
        return events + likely * 5 + ["look"] * 12

    def step(self, event: str) -> None:
        """Let something happen that is possible; anything else is left out."""
        if event == "look":
            self.look()
        elif event in self.possible():
            _HAPPENINGS[event](self)

    def look(self) -> Decision:
        """Let the controller look, and do what it decides, as the reconciler does."""
        before = self.execution.status
        decision = self._decide()
        if decision.create:
            assert before.job is None, "a recorded Job is never created again"
            assert self.job is None
            assert self.left_job is None, "never two Jobs at once"
            assert all(one.ended for one in self.left_pods), "never two programs at once"
            self.created += 1
            number = (before.attempts or 0) + 1
            self.job = job(suspended=self.execution.spec.queue_name is not None, attempt=number)
            decision = self._decide()
            assert not decision.create
        self._check(before, decision)
        if status_patch(before, decision.status):
            self.writes.append(decision.status)
        self.execution = self.execution.model_copy(update={"status": decision.status})
        if decision.leaves:
            self._leave(decision)
            return decision
        again = self._decide()
        assert not status_patch(decision.status, again.status), "nothing changed, so nothing is said"
        if decision.stop_pod:
            assert decision.status.stop_requested is not None
            assert self.pod is not None
            self.pod = self.pod.model_copy(
                update={"spec": self.pod.spec.model_copy(update={"active_deadline_seconds": STOP_DEADLINE})}
            )
        if decision.delete_job:
            self.job = self.left_job = None
            if self.main is not None and self.main.waiting:
                self.pod = None
        return decision

    def settle(self) -> Phase:
        """Let everything come to its end, as a cluster does when it is left alone for a day."""
        self.away = False
        for event in (
            *("look", "admit", "look", "pod appears", "look", "main starts", "look", "main succeeds", "look"),
            *("commit", "log", "look", "collector ends", "wait a minute", "look", "wait a day", "look"),
            *("pod is gone", "look", "look", "wait a day", "look", "look"),
        ):
            self.step(event)
        for _ in range(_MOST_JOBS):
            for event in (
                "pods of before are gone",
                "wait a day",
                "look",
                "look",
                "admit",
                "look",
                "job is gone",
            ):
                self.step(event)
            for event in ("log", "look", "wait a day", "look"):
                self.step(event)
        phase = self.execution.status.phase
        assert phase is not None
        return phase

    def _decide(self) -> Decision:
        kept = self.committed and not self.away
        record = None if self.logged is None or self.away else log(complete=self.logged)
        recorded = self.execution.status.job
        plan: dict[str, Any] | None = {} if self.job is not None or recorded is not None else None
        seen = observation(
            self.execution,
            now=self.now,
            job=self.job,
            left_job=self.left_job,
            left_pod_runs=self.left_job is not None or any(not one.ended for one in self.left_pods),
            pod=self.pod,
            manifest=manifest(file()) if kept else None,
            log=record,
            output=main_output() if kept else None,
            results_unknown=self.away,
            **({"plan": None} if plan is not None else {}),
        )
        return decide(seen)

    def _check(self, before: ExecutionStatus, decision: Decision) -> None:
        status = decision.status
        assert status.phase is not None, "a status that is written has a phase"
        assert status.message
        assert status.reason is not None
        assert status.message.startswith(MEANINGS[Reason(status.reason)].sentence)
        assert len(status.conditions) == 6
        if before.phase is not None and before.phase.terminal:
            assert replace_generation(before, status) == status, "an end never changes"
        was = {one.type: one for one in before.conditions}
        for one in status.conditions:
            if one.type in was and was[one.type].status == one.status:
                assert one.last_transition_time == was[one.type].last_transition_time
        told, known = status.earlier_attempts or (), before.earlier_attempts or ()
        assert told[: len(known)] == known or status.phase.terminal, "what an attempt was stays"
        if decision.leaves:
            self._check_left(before, status)
            return
        if before.job is not None:
            assert status.job == before.job
        if before.stop_requested is not None:
            assert status.stop_requested == before.stop_requested
        if before.start_time is not None:
            assert status.start_time == before.start_time
            assert status.phase is not Phase.PENDING, "what has started is not pending again"
        if status.phase.terminal:
            assert status.completion_time is not None
        if status.phase is Phase.SUCCEEDED:
            assert self.succeeded
            assert self.committed
            assert status.exit_code == 0
            assert status.result is not None
        if decision.delete_job and not status.phase.terminal and self.left_job is None:
            assert status.start_time is None, "the log of a program that runs would go with its Job"
            assert status.stop_requested is not None

    def _check_left(self, before: ExecutionStatus, status: ExecutionStatus) -> None:
        assert status.phase is Phase.PENDING
        assert not self.execution.spec.cancel
        assert status.earlier_attempts is not None
        assert len(status.earlier_attempts) == len(before.earlier_attempts or ()) + 1
        record = status.earlier_attempts[-1]
        assert before.job is None or record.job == before.job
        assert record.exit_code != 0 or record.reason == "ResultMissing", (
            "what has succeeded is not run again"
        )
        assert (status.start_time, status.exit_code, status.stop_requested, status.pod) == (None,) * 4

    def _leave(self, decision: Decision) -> None:
        """Begin the next attempt: its output and log are others, what is there of the one before goes by itself."""
        self.left_pods += [] if self.pod is None else [self.pod]
        self.pod = self.main = self.collector = self.logged = None
        self.committed = self.succeeded = False
        if decision.status.job is None:
            # A controller that was killed before it deleted the Job finds it there.
            self.left_job, self.job = self.job, None

    def _containers(self, main: ContainerStateView, collector: ContainerStateView) -> None:
        deadline = self.pod.spec.active_deadline_seconds if self.pod is not None else None
        self.main, self.collector = main, collector
        self.pod = pod(main, collector, deadline=deadline, attempt=self._attempt, memory="512Mi")

    @property
    def _attempt(self) -> int:
        """The attempt that the Job was made for: one Job has several when its queue suspends it."""
        name = self.job.metadata.name if self.job is not None else "-1"
        return int(name.rpartition("-")[2])

    def _end_main(self, code: int, reason: str = "") -> None:
        assert self.main is not None
        assert self.collector is not None
        assert self.main.running is not None
        start = (
            self.main.running.started_at - observation().execution.metadata.creation_timestamp
        ).total_seconds()
        self._containers(ended(code, since=start, until=self.now, reason=reason), self.collector)

    def _lose_node(self) -> None:
        assert self.pod is not None
        lost = self.pod.status.model_copy(update={"phase": "Failed"})
        self.pod = self.pod.model_copy(update={"status": lost})

    def _may_preempt(self) -> bool:
        """Tell whether a queue may take the place back: the program has not ended."""
        job, main = self.job, self.main
        if job is None or job.spec.suspend or job.complete or self.execution.spec.queue_name is None:
            return False
        return self.pod is None or (not self.pod.ended and (main is None or main.terminated is None))

    def _preempt(self) -> None:
        """Suspend the Job; the Job controller deletes its pod, with grace where main runs."""
        self.job = job(suspended=True, queued_at=self.now, attempt=self._attempt)
        if self.main is not None and self.main.running is not None:
            self._end_main(143)
        elif self.main is not None:
            self.main = self.collector = self.pod = None

    def _respec(self, **updates: object) -> None:
        spec = self.execution.spec.model_copy(update=updates)
        if spec != self.execution.spec:
            metadata = self.execution.metadata
            metadata = metadata.model_copy(update={"generation": metadata.generation + 1})
            self.execution = self.execution.model_copy(update={"spec": spec, "metadata": metadata})


def replace_generation(before: ExecutionStatus, after: ExecutionStatus) -> ExecutionStatus:
    return before.model_copy(update={"observed_generation": after.observed_generation})


def _passes(seconds: float) -> Callable[[Cluster], None]:
    def wait(cluster: Cluster) -> None:
        cluster.now += seconds

    return wait


def _becomes(**members: object) -> Callable[[Cluster], None]:
    def change(cluster: Cluster) -> None:
        for name, value in members.items():
            setattr(cluster, name, value)

    return change


def _main_succeeds(cluster: Cluster) -> None:
    cluster.succeeded = True
    cluster._end_main(0)


def _store_flips(cluster: Cluster) -> None:
    cluster.away = not cluster.away


def _collector_ends(cluster: Cluster) -> None:
    assert cluster.main is not None
    cluster._containers(cluster.main, ended(0, since=cluster.now, until=cluster.now))


_HAPPENINGS: Final[dict[str, Callable[[Cluster], None]]] = {
    "wait a second": _passes(1),
    "wait a minute": _passes(60),
    "wait a day": _passes(86_400),
    "cancel": lambda cluster: cluster._respec(cancel=True),
    "tags": lambda cluster: cluster._respec(tags=("more",)),
    "admit": lambda cluster: _becomes(
        job=job(created=1, started=cluster.now, queued_at=cluster.now, attempt=cluster._attempt)
    )(cluster),
    "preempt": Cluster._preempt,
    "pod appears": lambda cluster: cluster._containers(waiting(), waiting()),
    "pod is stuck": lambda cluster: _becomes(
        pod=unscheduled("0/1 nodes are available", attempt=cluster._attempt)
    )(cluster),
    "main starts": lambda cluster: cluster._containers(running(cluster.now), running(cluster.now)),
    "main succeeds": _main_succeeds,
    "main fails": lambda cluster: cluster._end_main(3),
    "main runs out of memory": lambda cluster: cluster._end_main(137, reason="OOMKilled"),
    "commit": _becomes(committed=True),
    "log": _becomes(logged=True),
    "log is cut": _becomes(logged=False),
    "store goes away or comes back": _store_flips,
    "collector ends": _collector_ends,
    "node is lost": Cluster._lose_node,
    "pod is gone": _becomes(pod=None),
    "job is gone": _becomes(job=None),
    "job is complete": lambda cluster: _becomes(job=job(ended="Complete", attempt=cluster._attempt))(cluster),
    "pods of before are gone": lambda cluster: cluster.left_pods.clear(),
}
_MOST_JOBS: Final = 10 + STARTLESS_RETRIES
_PROGRESS: Final = frozenset(
    {"admit", "pod appears", "main starts", "main succeeds", "main fails", "commit", "log", "collector ends"}
)
