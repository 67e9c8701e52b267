"""Another attempt after one that failed, as the controller makes it: one Job at a time, whatever it is killed at."""

import copy
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from serviceexecution.contract.json_types import object_at
from serviceexecution.controller.known.routing import Router
from serviceexecution.kube.kinds import EVENTS, JOBS, PODS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import LABEL_ATTEMPT
from tests.support.api_server.bodies import metadata_of
from tests.support.api_server.requests import Crash, Request
from tests.unit.controller.harness import RESULT, World, start
from tests.unit.executions.builders import POD_UID, ended, running, uid_of_attempt, waiting

RETRY: Final[dict[str, Any]] = {"retry": {"maxAttempts": 3, "onExitCodes": [3]}}
WRITES: Final = [
    "create configmaps",
    "create jobs",
    "patch serviceexecutions/status",
    "patch serviceexecutions/status",
    "patch serviceexecutions/status",
    "delete jobs",
    "create configmaps",
    "create jobs",
    "patch serviceexecutions/status",
    "patch serviceexecutions/status",
    "patch serviceexecutions/status",
    "delete jobs",
]
"""All writes of a run that fails once and then succeeds, Events apart."""

Look = Callable[[], Awaitable[object]]


async def fail_once(world: World, look: Look) -> None:
    """Let the first attempt end with exit code 3, its output and log kept."""
    world.apply(**RETRY)
    await look()
    world.wait(5)
    world.pod(running(), running())
    await look()
    world.wait(10)
    world.pod(ended(3), ended(until=16))
    await world.keep(1, b'{"sum": "wrong"}')
    await look()
    await look()


async def succeed_then(world: World, look: Look) -> None:
    """Let the pause pass and the second attempt succeed."""
    world.wait(15)
    await look()
    since = world.clock.seconds
    world.pod(running(since), running(since))
    await look()
    world.wait(10)
    world.pod(ended(0, since=since, until=since + 9), ended(until=since + 10))
    await world.keep(2)
    await look()
    await look()


async def test_a_run_that_fails_once_succeeds_with_the_result_of_its_second_attempt(world: World):
    await fail_once(world, world.controller.run)
    assert world.said() == ("Pending", "Retrying")
    assert world.kubernetes.one(JOBS) is None
    await succeed_then(world, world.controller.run)
    assert world.said() == ("Succeeded", "Succeeded")
    assert list(world.kubernetes.writes()) == WRITES
    status = world.execution.status
    assert status.attempts == 2
    assert status.result is not None
    assert status.result.output == RESULT.decode()
    (first,) = status.earlier_attempts or ()
    assert (first.reason, first.exit_code) == ("ProgramFailed", 3)
    assert first.log is not None
    assert world.controller.followers.followed[world.execution.reference][0] == uid_of_attempt(POD_UID, 2)


async def test_the_job_and_the_pod_say_which_attempt_they_are(world: World):
    await fail_once(world, world.controller.run)
    world.wait(15)
    await world.controller.run()
    job = world.kubernetes.one(JOBS)
    assert job is not None
    assert str(metadata_of(job)["name"]).endswith("-2")
    assert object_at(metadata_of(job), "labels")[LABEL_ATTEMPT] == "2"


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", range(len(WRITES)))
async def test_a_controller_killed_at_any_write_makes_one_job_for_each_attempt(world: World, write, moment):
    left = write

    def kill(request: Request, when: str) -> None:
        nonlocal left
        if request.verb in {"get", "list"} or request.resource == EVENTS.plural or when != moment:
            return
        if left == 0:
            left = -1
            raise Crash
        left -= 1
        assert sum(key[0] == JOBS.plural for key in world.kubernetes.objects) <= 1, "never two at once"

    async def look() -> None:
        try:
            await world.controller.run()
        except Crash:
            await world.start().run()

    world.kubernetes.hook = kill
    await fail_once(world, look)
    await succeed_then(world, look)
    # The second ConfigMap is refused, since there is one: nothing comes after that.
    assert left < 0 or (moment, write) == ("after", len(WRITES) - 1), "the write happened"
    assert world.said() == ("Succeeded", "Succeeded")
    assert world.kubernetes.created["jobs"] == 2
    assert world.kubernetes.one(JOBS) is None
    assert len(world.execution.status.earlier_attempts or ()) == 1


async def test_a_controller_started_anew_at_every_step_comes_to_the_same_end(world: World):
    await fail_once(world, lambda: world.start().run())
    await succeed_then(world, lambda: world.start().run())
    assert world.said() == ("Succeeded", "Succeeded")
    assert list(world.kubernetes.writes()) == WRITES


async def test_a_pod_of_before_that_still_runs_holds_the_next_attempt_back(world: World):
    await start(world, **RETRY)
    pod = copy.deepcopy(world.kubernetes.one(PODS))
    assert pod is not None
    world.pod(ended(3), ended(until=16))
    await world.keep()
    world.wait(10)
    await world.controller.run()
    world.kubernetes.put(PODS, pod)  # As a watch or a list would still show it
    world.wait(60)
    await world.controller.run()
    assert world.said() == ("Pending", "Retrying")
    assert world.kubernetes.one(JOBS) is None
    world.kubernetes.remove(PODS, "team", str(metadata_of(pod)["name"]))
    await world.controller.run()
    assert world.kubernetes.created["jobs"] == 2


async def test_results_of_an_earlier_attempt_are_never_the_result(world: World):
    await fail_once(world, world.controller.run)
    world.wait(15)
    await world.controller.run()
    since = world.clock.seconds
    world.pod(running(since), running(since))
    await world.controller.run()
    world.pod(ended(4, since=since, until=since + 1), ended(until=since + 2))
    for _ in range(3):
        world.wait(4000)
        await world.controller.run()
    assert world.said() == ("Failed", "ProgramFailed")
    status = world.execution.status
    assert (status.result, status.log) == (None, None)
    assert (status.message or "").endswith("2 attempts were made.")


async def test_a_log_of_an_attempt_that_etcd_has_forgotten_proves_that_it_ran(world: World):
    await fail_once(world, world.controller.run)
    await world.store.logs.of(world.execution.reference, 2).write(1, b"line\n")
    world.wait(15)
    await world.controller.run()
    assert world.said() == ("Failed", "RanBefore")
    assert world.kubernetes.created["jobs"] == 1


async def test_a_cancel_between_attempts_ends_the_run(world: World):
    await fail_once(world, world.controller.run)
    world.edit(cancel=True)
    await world.controller.run()
    assert world.said() == ("Cancelled", "Cancelled")
    world.wait(1000)
    await world.controller.run()
    assert world.kubernetes.created["jobs"] == 1


async def test_a_run_that_a_node_refuses_starts_again_by_itself(world: World):
    world.apply()
    await world.controller.run()
    world.pod(phase="Failed", reason="OutOfcpu", message="no cpu")
    await world.controller.run()
    assert world.said() == ("Pending", "Retrying")
    world.wait(15)
    await world.controller.run()
    since = world.clock.seconds
    world.pod(running(since), running(since))
    await world.controller.run()
    assert world.said() == ("Running", "Running")
    assert world.execution.status.attempts == 2


async def test_more_memory_is_asked_for_after_a_run_was_killed_for_it(world: World):
    more = {"maxAttempts": 2, "onOutOfMemory": {"memoryFactor": 1.5, "maxMemory": "1Gi"}}
    await start(world, retry=more, resources={"limits": {"memory": "512Mi"}})
    world.pod(ended(137, reason="OOMKilled"), ended(until=16), memory="512Mi")
    pod = world.kubernetes.one(PODS)
    assert pod is not None
    limited: Any = {"name": "main", "resources": {"limits": {"memory": "512Mi"}}}
    world.kubernetes.change(PODS, "team", str(metadata_of(pod)["name"]), {"spec": {"containers": [limited]}})
    await world.keep()
    await world.controller.run()
    assert world.said() == ("Pending", "Retrying")
    world.wait(15)
    await world.controller.run()
    job: Any = world.kubernetes.one(JOBS)
    main = job["spec"]["template"]["spec"]["containers"][1]
    assert main["resources"]["limits"] == {"memory": "768Mi"}


async def test_a_service_says_it_for_its_executions_and_an_execution_for_itself(world: World):
    await start(world, **RETRY)
    body: Any = world.kubernetes.one(SERVICE_EXECUTIONS)
    assert body["spec"]["retry"] == RETRY["retry"]


async def test_many_attempts_cost_little_in_etcd(world: World):
    """What a list of the most attempts takes, with names and nodes of the usual length and cut sentences."""
    await fail_once(world, world.controller.run)
    body: Any = world.kubernetes.one(SERVICE_EXECUTIONS)
    (record,) = body["status"]["earlierAttempts"]
    longest = {**record, "message": "x" * 300, "memoryLimit": "512Mi"}
    longest["pod"] = {**longest["pod"], "name": "x" * 69, "node": "n" * 63}
    longest["job"] = {**longest["job"], "name": "x" * 63}
    assert len(json.dumps(record)) < 700
    assert 12 * len(json.dumps(longest)) < 14 * 1024


class TestPreemption:
    """Kueue suspends the Job again, and the Job controller deletes its pod without counting it as a failure."""

    QUEUE: Final[dict[str, Any]] = {
        "queueName": "small",
        "retry": {"maxAttempts": 3, "onReasons": ["Preempted"]},
    }

    async def _run(self, world: World, **spec: Any) -> str:
        """Let a queued program run, and return the name of its Job."""
        world.apply(**{**self.QUEUE, **spec})
        await world.controller.run()
        job = world.kubernetes.one(JOBS)
        assert job is not None
        name = str(metadata_of(job)["name"])
        self._suspend(world, name, suspended=False)
        world.pod(running(), running())
        await world.controller.run()
        assert world.said() == ("Running", "Running")
        return name

    def _suspend(self, world: World, job: str, *, suspended: bool) -> None:
        stamp = world.clock.now().isoformat()
        condition = {"type": "Suspended", "status": str(suspended), "lastTransitionTime": stamp}
        change: Any = {"spec": {"suspend": suspended}, "status": {"conditions": [condition]}}
        world.kubernetes.change(JOBS, "team", job, change)

    async def _preempt(self, world: World, name: str) -> None:
        """Suspend the Job; its pod ends with SIGTERM, its output and log are kept, and it goes."""
        world.wait(20)
        self._suspend(world, name, suspended=True)
        world.pod(ended(143, until=world.clock.seconds), ended(until=world.clock.seconds + 1))
        await world.keep()
        await world.controller.run()
        pod = world.kubernetes.one(PODS)
        if pod is not None:
            world.kubernetes.remove(PODS, "team", str(metadata_of(pod)["name"]))
        await world.controller.run()

    async def test_a_preempted_run_waits_in_its_queue_again_with_the_same_job(self, world: World):
        name = await self._run(world)
        await self._preempt(world, name)
        assert world.said() == ("Pending", "Queued")
        assert world.execution.status.message == 'The execution waits in its queue. Its queue is "small".'
        job = world.kubernetes.one(JOBS)
        assert job is not None
        assert metadata_of(job)["name"] == name
        status = world.execution.status
        assert (status.attempts, status.start_time, status.stop_requested) == (2, None, None)
        (first,) = status.earlier_attempts or ()
        assert (first.reason, first.exit_code) == ("Preempted", 143)

    async def test_it_runs_when_its_queue_admits_it_again(self, world: World):
        name = await self._run(world)
        await self._preempt(world, name)
        world.wait(1000)
        self._suspend(world, name, suspended=False)
        since = world.clock.seconds
        world.pod(running(since), running(since))
        self._rename_pod(world)
        await world.controller.run()
        assert world.said() == ("Running", "Running")
        assert world.execution.status.attempts == 2
        assert world.kubernetes.created["jobs"] == 1

    async def test_its_old_pod_is_not_taken_for_the_new_one(self, world: World):
        name = await self._run(world)
        world.wait(20)
        self._suspend(world, name, suspended=True)
        world.pod(ended(143, until=25), ended(until=26))
        await world.keep()
        await world.controller.run()
        assert world.said() == ("Pending", "Queued")
        await world.controller.run()
        assert world.said() == ("Pending", "Queued")
        assert world.execution.status.attempts == 2

    async def test_a_pod_that_is_known_before_the_admission_of_its_job_is_not_preempted(self, world: World):
        world.apply(**self.QUEUE)
        await world.controller.run()
        job = world.kubernetes.one(JOBS)
        assert job is not None
        self._suspend(world, str(metadata_of(job)["name"]), suspended=False)
        world.pod(running(), running())
        pod = world.kubernetes.one(PODS)
        assert pod is not None
        Router(world.controller.cache).pod(pod)
        await world.controller.reconcile()
        assert world.said() == ("Running", "Running")
        assert world.execution.status.stop_requested is None

    async def test_it_ends_without_leave_to_run_again(self, world: World):
        name = await self._run(world, retry=None)
        await self._preempt(world, name)
        assert world.said() == ("Failed", "Preempted")
        assert world.kubernetes.one(JOBS) is None

    async def test_a_job_that_is_gone_is_made_anew(self, world: World):
        name = await self._run(world)
        world.wait(20)
        self._suspend(world, name, suspended=True)
        world.pod(ended(143, until=25), waiting())
        await world.controller.run()
        change: Any = {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}
        world.kubernetes.change(JOBS, "team", name, change)
        await world.keep()
        world.pod(ended(143, until=25), ended(until=26))
        await world.controller.run()
        assert world.said() == ("Pending", "Retrying")
        world.wait(30)
        await world.controller.run()
        job = world.kubernetes.one(JOBS)
        assert job is not None
        assert str(metadata_of(job)["name"]).endswith("-2")

    def _rename_pod(self, world: World) -> None:
        """Give the pod another name and uid: the builders know one pod for each Job."""
        pod: Any = world.kubernetes.one(PODS)
        world.kubernetes.remove(PODS, "team", pod["metadata"]["name"])
        pod["metadata"] |= {"name": "another", "uid": "0a1b2c3d-0000-4000-8000-0000000000ff"}
        world.kubernetes.put(PODS, pod)
