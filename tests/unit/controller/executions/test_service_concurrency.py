"""How many executions of a service run at once, and which is next."""

from typing import Any

import pytest

from serviceexecution.controller.executions.admission import FAILED_PASSES
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase
from serviceexecution.resources.executions.execution_usage import Usage
from tests.support.api_server.requests import Request, refusal
from tests.unit.controller.harness import World, known
from tests.unit.controller.service_harness import define, redefine


class TestConcurrency:
    """``one`` was created first, then ``two``, then ``three``."""

    def apply(self, world: World, *names: str) -> list[ExecutionKey]:
        keys = []
        for name in names:
            world.wait(1)
            metadata: Any = {"name": name, "namespace": "team", "uid": f"0a1b2c3d-{name}"}
            spec: Any = {"serviceRef": {"name": "adder"}}
            world.kubernetes.put(SERVICE_EXECUTIONS, {"metadata": metadata, "spec": spec})
            keys.append(ExecutionKey("team", name))
        return keys

    def said(self, world: World, key: ExecutionKey) -> Any:
        status: Any = world.kubernetes.objects["serviceexecutions", "team", key.name].get("status", {})
        return status.get("phase"), status.get("reason")

    async def test_the_oldest_come_first_whoever_is_looked_at_first(self, world: World):
        define(world, concurrency=1)
        one, two, three = self.apply(world, "one", "two", "three")
        for key in (three, two, one):
            await world.controller.run(key)
        assert [self.said(world, key) for key in (one, two, three)] == [
            ("Pending", "Starting"),
            ("Pending", "Queued"),
            ("Pending", "Queued"),
        ]
        status: Any = world.kubernetes.objects["serviceexecutions", "team", "three"]["status"]
        assert "its concurrency is 1" in status["message"]
        assert world.kubernetes.created["jobs"] == 1

    async def test_the_message_says_when_it_starts_by_how_long_the_last_runs_took(self, world: World):
        define(world, concurrency=1)
        keys = self.apply(world, "one", "two", "three", "four")
        admission = world.controller.admission
        ended = ServiceExecution.model_validate(
            world.kubernetes.objects["serviceexecutions", "team", "one"]
        ).model_copy(update={"status": ExecutionStatus(phase=Phase.SUCCEEDED, usage=Usage(run_seconds=600))})
        for _ in range(5):
            admission.past.note(ended, ended.status)
        for key in keys:
            await world.controller.run(key)
        four: Any = world.kubernetes.objects["serviceexecutions", "team", "four"]
        assert "2 of this service's executions come first" in four["status"]["message"]
        assert (
            "By its last 5 runs it starts between 2026-03-01 12:20 and 2026-03-01 12:30 UTC."
            in (four["status"]["message"])
        )
        writes = len(list(world.kubernetes.writes()))
        for _ in range(3):
            world.wait(300)
            await world.controller.run(keys[-1])
        assert len(list(world.kubernetes.writes())) == writes

    async def test_an_end_and_a_deletion_wake_the_next_at_once(self, world: World):
        define(world, concurrency=1)
        one, two, three = self.apply(world, "one", "two", "three")
        for key in (one, two, three):
            await world.controller.run(key)
        world.controller.woken.clear()
        world.kubernetes.change(SERVICE_EXECUTIONS, "team", "one", {"spec": {"cancel": True}})
        await world.controller.run(one)
        assert self.said(world, one) == ("Pending", "Stopping")
        await world.controller.run(one)
        assert self.said(world, one) == ("Cancelled", "Cancelled")
        assert two in world.controller.woken
        assert three not in world.controller.woken
        await world.controller.run(two)
        assert self.said(world, two) == ("Pending", "Starting")
        world.controller.woken.clear()
        world.kubernetes.remove(SERVICE_EXECUTIONS, "team", "two")
        await world.controller.watch()
        assert world.controller.woken == [three]
        await world.controller.run(three)
        assert self.said(world, three) == ("Pending", "Starting")

    async def test_an_execution_whose_passes_fail_for_ever_holds_up_nobody(self, world: World):
        def too_large(request: Request, when: str) -> None:
            if (request.verb, request.name, when) == ("patch", "one", "before"):
                raise refusal(500, "etcdserver: request is too large")

        define(world, concurrency=1)
        one, two = self.apply(world, "one", "two")
        world.kubernetes.hook = too_large
        for _ in range(FAILED_PASSES):
            with pytest.raises(KubernetesError):
                await world.controller.run(one)
        assert two in world.controller.woken
        await world.controller.run(two)
        assert self.said(world, two) == ("Pending", "Starting")
        world.kubernetes.hook = None
        await world.controller.run(one)
        assert self.said(world, one) == ("Pending", "Queued")

    async def test_a_pass_that_fails_once_loses_no_place(self, world: World):
        define(world, concurrency=1)
        one, two = self.apply(world, "one", "two")

        def away(request: Request, when: str) -> None:
            if (request.verb, request.name, when) == ("patch", "one", "before"):
                raise refusal(500, "etcdserver: request timed out")

        world.kubernetes.hook = away
        with pytest.raises(KubernetesError):
            await world.controller.run(one)
        await world.controller.run(two)
        assert self.said(world, two) == ("Pending", "Queued")
        world.kubernetes.hook = None
        await world.controller.run(one)
        assert self.said(world, one) == ("Pending", "Starting")

    async def test_a_restart_lets_nobody_in_twice(self, world: World):
        define(world, concurrency=2)
        keys = self.apply(world, "a", "b", "c", "d")
        for key in keys:
            await world.start().run(key)
        for key in reversed(keys):
            await world.start().run(key)
        assert world.kubernetes.created["jobs"] == 2

    async def test_a_higher_concurrency_lets_more_in(self, world: World):
        define(world, concurrency=1)
        one, two = self.apply(world, "one", "two")
        await world.controller.run(one)
        await world.controller.run(two)
        redefine(world, concurrency=2)
        world.controller.woken.clear()
        await world.controller.watch()
        assert two in world.controller.woken
        await world.controller.run(two)
        assert self.said(world, two) == ("Pending", "Starting")

    async def test_an_execution_that_lacks_something_holds_nobody_up(self, world: World):
        define(world, concurrency=1)
        one, two = self.apply(world, "one", "two")
        world.kubernetes.change(
            SERVICE_EXECUTIONS, "team", "one", {"spec": {"inputFrom": {"configMapRef": {"name": "missing"}}}}
        )
        await world.controller.run(two)
        assert self.said(world, two) == ("Pending", "Queued")
        await world.controller.run(one)
        assert self.said(world, one) == ("Pending", "InputNotFound")
        await world.controller.run(two)
        assert self.said(world, two) == ("Pending", "Starting")

    async def test_the_message_is_written_once(self, world: World):
        define(world, concurrency=1)
        keys = self.apply(world, "one", "two", "three")
        for key in keys * 3:
            await world.controller.run(key)
        writes = len(world.kubernetes.writes())
        world.kubernetes.remove(SERVICE_EXECUTIONS, "team", "two")
        await world.controller.run(keys[2])
        assert len(world.kubernetes.writes()) == writes

    async def test_workers_cannot_overrun_it(self, world: World):
        """The status of the first is not written yet when the second is looked at."""
        define(world, concurrency=1)
        one, two = self.apply(world, "one", "two")
        await world.controller.watch()
        cache, admission = world.controller.cache, world.controller.admission
        first, second = known(cache, one), known(cache, two)
        assert admission.admit(first, 1) is None
        assert admission.admit(second, 1) == 0
        assert admission.admit(first, 1) is None
        admission.release(first)
        assert admission.next_keys(ServiceKey("team", "adder")) == [one]
