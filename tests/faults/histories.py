"""Histories by chance: whatever may happen to a few executions, in any order, at any time."""

import asyncio
import logging
import sys
from typing import Any, Final

import structlog
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from serviceexecution.kube.kinds import JOBS, PODS
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.schemas.checker import SchemaChecker
from tests.faults.installation import NAMESPACE, SINCE_CREATION, Installation
from tests.faults.plan import FaultPlan, Strike
from tests.faults.pods import Program
from tests.faults.scenarios import ENDS

NAMES: Final = ("a", "b", "c")
_VARIANTS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"timeout": "90s"},
    {"output": {"collectTimeout": "2m"}},
    {"runtime": None, "serviceRef": {"name": "adder"}},
    {"ttlSecondsAfterFinished": 30},
    {"cancelGrace": "5s"},
)
_WAITS: Final = (1, 10, 60, 600)


class Histories(RuleBasedStateMachine):
    """What happens, and what must hold after each of it."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._checkers = SchemaChecker(), SchemaChecker(says_values=False)
        self.one = self._runner.run(self._begin())
        self.ends: dict[str, tuple[str, str]] = {}
        self.lost_jobs = False

    async def _begin(self) -> Installation:
        one = Installation(FaultPlan(), self._checkers)
        one.define(concurrency=1)
        return one

    # What users do ---------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES), variant=st.sampled_from(_VARIANTS), code=st.sampled_from([0, 0, 3]))
    def apply(self, name: str, variant: dict[str, Any], code: int) -> None:
        if name not in self.one.executions():
            self.one.kubelet.program = Program(code=code, seconds=30)
            self.one.apply(name, **variant)

    @rule(name=st.sampled_from(NAMES))
    def cancel(self, name: str) -> None:
        if name in self.one.executions():
            self.one.edit(name, cancel=True)

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        if name in self.one.executions():
            self.one.delete(name)

    # What time does --------------------------------------------------------------------------------------

    @rule(rounds=st.integers(1, 8))
    def go_on(self, rounds: int) -> None:
        self._rounds(rounds)

    @rule(seconds=st.sampled_from(_WAITS))
    def nobody_works(self, seconds: int) -> None:
        self.one.seconds += seconds

    @rule()
    def only_the_node_works(self) -> None:
        self._runner.run(self.one.kubelet.step())
        self.one.seconds += 1

    @rule()
    def only_the_controller_works(self) -> None:
        self._runner.run(self.one.control())
        self.one.seconds += 1

    # What fails ------------------------------------------------------------------------------------------

    @rule(behind=st.sampled_from([0, 0, 1, 5, SINCE_CREATION]))
    def the_controller_is_restarted(self, behind: int) -> None:
        self.one.lag = behind
        self._runner.run(self.one.restart_controller())
        self.one.lag = 0

    @rule(
        process=st.sampled_from(["controller", "gateway", "collector"]),
        after=st.integers(0, 2),
        strike=st.sampled_from(Strike),
    )
    def a_write_fails(self, process: str, after: int, strike: Strike) -> None:
        self.one.plan.strike_soon(process, after, strike)
        self._rounds(3)

    @rule(times=st.sampled_from([0, 2, -3]))
    def an_event_is_dropped_doubled_or_late(self, times: int) -> None:
        news = self.one.news
        number = news.number + 1
        news.fate = lambda n: times if n == number else 1
        self._rounds(1)

    @rule()
    def the_store_goes_away_or_comes_back(self) -> None:
        self.one.store_state["away"] = not self.one.store_state.get("away", False)

    @rule()
    def the_gateway_goes_away_or_comes_back(self) -> None:
        self.one.gateway_down = not self.one.gateway_down

    @rule()
    def the_node_falls_silent_or_speaks_again(self) -> None:
        self.one.kubelet.silent = not self.one.kubelet.silent

    @rule()
    def the_node_dies(self) -> None:
        self.one.kubelet.lose_node()

    @rule()
    def a_pod_is_deleted(self) -> None:
        for plural, namespace, name in list(self.one.server.objects):
            if plural == PODS.plural and (plural, namespace, name) in self.one.server.objects:
                metadata: Any = self.one.server.objects[plural, namespace, name]["metadata"]
                metadata.pop("finalizers", None)
                self.one.server.remove(PODS, namespace, name)
                return

    @rule()
    def a_job_is_deleted(self) -> None:
        for plural, namespace, name in list(self.one.server.objects):
            if plural == JOBS.plural:
                self.one.server.remove(JOBS, namespace, name)
                return

    # What must hold --------------------------------------------------------------------------------------

    @invariant()
    def an_end_is_never_left(self) -> None:
        for body in self.one.executions().values():
            status, uid = body.get("status") or {}, body["metadata"]["uid"]
            if status.get("phase") in ENDS:
                now = status["phase"], status["reason"]
                assert self.ends.setdefault(uid, now) == now

    @invariant()
    def no_program_is_started_twice(self) -> None:
        assert all(count == 1 for count in self.one.kubelet.started.values()), self.one.kubelet.started

    @invariant()
    def nobody_falls_over(self) -> None:
        assert self.one.faults == []

    def teardown(self) -> None:
        """Let all that is ours come back, and time pass up to every limit: all has ended, and nothing is left."""
        try:
            self._bring_back()
            for seconds in (1, 61, 301, 601, 3601, 90_000):
                self._rounds(12)
                self._runner.run(self.one.round(seconds))
            self._rounds(12)
            self._check_ends()
        finally:
            self._runner.run(self._close())
            self._runner.close()

    def _bring_back(self) -> None:
        one = self.one
        one.plan.forget()
        one.store_state.clear()
        one.gateway_down = one.kubelet.silent = False
        one.news.fate = lambda _: 1

    def _check_ends(self) -> None:
        for name, body in self.one.executions().items():
            status = body.get("status") or {}
            assert status.get("phase") in ENDS, f"{name} has not ended: {status}"
            self._runner.run(self._check_kept(body, status))
        left = [key for key in self.one.server.objects if key[0] in {JOBS.plural, PODS.plural}]
        assert left == []
        self.an_end_is_never_left()
        self.no_program_is_started_twice()
        self.nobody_falls_over()

    async def _check_kept(self, body: Any, status: Any) -> None:
        metadata = body["metadata"]
        reference = ExecutionReference(NAMESPACE, metadata["name"], metadata["uid"])
        store = self.one.store
        manifest = await store.outputs.read_manifest(reference)
        if status["phase"] == "Succeeded":
            assert manifest is not None, "a success has its result"
            assert {file.path for file in manifest.files} == set(Program().files)
            for file in manifest.files:
                found = await store.outputs.of(reference, manifest.attempt).digest(file.path)
                assert found == (file.size, file.sha256)
        if self.one.kubelet.started[(status.get("job") or {}).get("name", "")]:
            log = await store.logs.read_record(reference)
            said = "LogMissing" in status["reason"] or "Its log was not kept" in status["message"]
            unseen = status.get("startTime") is None
            may = said or unseen or status.get("log") is not None
            assert log is not None or may, f"no log, and nothing is said of it: {status}"

    def _rounds(self, rounds: int) -> None:
        async def run() -> None:
            for _ in range(rounds):
                await self.one.round()

        self._runner.run(run())

    async def _close(self) -> None:
        await self.one.close()
        for checker in self._checkers:
            await checker.close()


def check(examples: int, steps: int, *, derandomize: bool) -> None:
    """Go through so many histories of so many steps."""
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=derandomize,
            database=None,
            phases=[Phase.generate],
            verbosity=Verbosity.normal,
            suppress_health_check=list(HealthCheck),
        ),
    )


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    check(int(sys.argv[1]) if len(sys.argv) > 1 else 300, 40, derandomize=False)
