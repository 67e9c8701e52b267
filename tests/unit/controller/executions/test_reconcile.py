"""Passes of the reconciler on the API server in memory: what is written, in which order, and after which fault."""

import pytest

from serviceexecution.contract.json_types import JsonObject, metadata_of
from serviceexecution.controller.executions import reading
from serviceexecution.controller.known.cached_execution import read_execution
from serviceexecution.controller.known.routing import Router
from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.steps.running import UNCONFIRMED_END
from serviceexecution.kube.kinds import CONFIG_MAPS, EVENTS, JOBS, PODS, SERVICE_EXECUTIONS
from serviceexecution.resources.executions.execution_status import StopReason
from tests.support.api_server.requests import Crash, Request
from tests.unit.controller.harness import KEY, SUCCESS, World, start, succeed
from tests.unit.executions.builders import POD_NAME, condition, ended, running, waiting


async def test_a_success_is_six_writes(world: World):
    await succeed(world, world.controller.run)
    assert list(world.kubernetes.writes()) == SUCCESS
    status = world.execution.status
    assert world.said() == ("Succeeded", "Succeeded")
    assert status.result is not None
    assert status.result.output == '{"sum": 6}'
    assert status.log is not None
    assert world.kubernetes.one(JOBS) is None
    assert world.kubernetes.one(PODS) is None
    reference = world.execution.reference
    assert world.controller.followers.followed == {reference: ("0a1b2c3d-0000-4000-8000-00000000000d", True)}
    assert reference in world.controller.followers.forgotten


async def test_without_input_there_is_no_config_map(world: World):
    world.apply(inputJson=None)
    await world.controller.run()
    assert world.kubernetes.writes() == ["create jobs", "patch serviceexecutions/status"]


async def test_a_pass_with_nothing_new_asks_for_nothing(world: World):
    await start(world)
    before = len(world.kubernetes.requests)
    await world.controller.reconcile()
    assert world.kubernetes.requests[before:] == []


async def test_passes_over_one_version_of_an_execution_read_it_once(world: World, monkeypatch):
    await start(world)
    read: list[str] = []

    def counted(body: JsonObject):
        read.append(str(metadata_of(body)["resourceVersion"]))
        return read_execution(body)

    monkeypatch.setattr(reading, "read_execution", counted)
    for _ in range(3):
        await world.controller.reconcile()
    assert len(read) <= 1
    world.edit(cancel=True)
    await world.controller.watch()
    await world.controller.reconcile()
    assert len(set(read)) == len(read), "no version is read twice"
    assert world.execution.spec.cancel
    assert world.execution.status.stop_requested is not None


def told(world: World) -> list[tuple[str, str]]:
    """Return reason and type of each Event."""
    events = [body for (plural, _, _), body in world.kubernetes.objects.items() if plural == EVENTS.plural]
    return sorted((str(one["reason"]), str(one["type"])) for one in events)


async def test_of_a_run_that_goes_well_its_end_is_an_event_once(world: World):
    await succeed(world, world.controller.run)
    assert told(world) == [("Succeeded", "Normal")]


async def test_what_holds_a_run_up_is_an_event_and_so_is_that_it_goes_on(world: World):
    world.apply()
    await world.controller.run()
    world.pod(waiting("ErrImagePull", "no such host"), waiting())
    await world.controller.run()
    _, reason = world.said()
    assert told(world) == [(reason, "Warning")]
    world.pod(running(), running())
    await world.controller.run()
    assert told(world) == sorted([(reason, "Warning"), ("Running", "Normal")])


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", range(len(SUCCESS)))
async def test_a_controller_killed_at_any_write_comes_to_the_same_end(world: World, write, moment):
    left = write

    def kill(request: Request, when: str) -> None:
        nonlocal left
        if request.verb in {"get", "list"} or request.resource == EVENTS.plural or when != moment:
            return
        if left == 0:
            left = -1
            raise Crash
        left -= 1

    async def look() -> None:
        try:
            await world.controller.run()
        except Crash:
            await world.start().run()

    world.kubernetes.hook = kill
    await succeed(world, look)
    assert left < 0, "the write happened"
    assert world.said() == ("Succeeded", "Succeeded")
    assert world.execution.status.start_time is not None
    assert world.kubernetes.one(JOBS) is None
    assert world.kubernetes.created["jobs"] == 1
    assert world.kubernetes.created["configmaps"] == 1


async def test_a_controller_started_anew_at_every_step_comes_to_the_same_end(world: World):
    await succeed(world, lambda: world.start().run())
    assert list(world.kubernetes.writes()) == SUCCESS


class TestStopping:
    async def test_cancel_of_a_running_program_goes_by_the_pods_deadline(self, world: World):
        await start(world)
        world.edit(cancel=True)
        await world.controller.run()
        assert world.kubernetes.writes()[-2:] == ["patch serviceexecutions/status", "patch pods"]
        pod = world.kubernetes.one(PODS)
        assert pod is not None
        assert pod["spec"]["activeDeadlineSeconds"] == 1
        assert world.said() == ("Running", "Stopping")
        before = world.kubernetes.writes()
        await world.controller.run()
        assert world.kubernetes.writes() == before, "once is enough"
        world.wait(3)
        world.pod(ended(143, until=8), ended(until=9))
        await world.keep()
        await world.controller.run()
        assert world.said() == ("Cancelled", "Cancelled")
        assert world.execution.status.result is not None

    async def test_a_controller_killed_between_record_and_stop_stops_it_later(self, world: World):
        await start(world, timeout="10s")
        world.wait(60)

        def kill(request: Request, when: str) -> None:
            if request.resource == "pods" and request.verb == "patch" and when == "before":
                raise Crash

        world.kubernetes.hook = kill
        with pytest.raises(Crash):
            await world.controller.run()
        world.kubernetes.hook = None
        stop = world.execution.status.stop_requested
        assert stop is not None
        assert stop.reason is StopReason.TIMEOUT
        await world.start().run()
        pod = world.kubernetes.one(PODS)
        assert pod is not None
        assert pod["spec"]["activeDeadlineSeconds"] == 1
        assert world.execution.status.stop_requested == stop

    async def test_cancel_before_the_start_deletes_the_job(self, world: World):
        world.apply()
        await world.controller.run()
        world.pod(waiting(), waiting())
        world.edit(cancel=True)
        await world.controller.run()
        assert world.kubernetes.writes()[-2:] == ["patch serviceexecutions/status", "delete jobs"]
        await world.controller.run()
        assert world.said() == ("Cancelled", "Cancelled")


class TestDeletions:
    async def test_a_job_deleted_unseen_is_noticed(self, world: World):
        await start(world)
        world.kubernetes.remove(JOBS, "team", "sum-0a1b2c3d-1")
        await world.keep()
        await world.controller.run()
        assert world.said() == ("Failed", "JobDeleted")
        assert world.kubernetes.writes().count("create jobs") == 1

    async def test_a_pod_deleted_unseen_is_noticed(self, world: World):
        await start(world)
        world.kubernetes.remove(PODS, "team", POD_NAME)
        await world.keep()
        await world.controller.run()
        assert world.said() == ("Failed", "PodLost")

    async def test_an_evicted_pod_that_goes_right_after_its_end_is_judged_by_its_last_word(
        self, world: World
    ):
        await start(world)
        evicted = condition("DisruptionTarget", message="Eviction API: evicting")
        world.pod(ended(7), ended(until=16), conditions=(evicted,))
        last_word = world.kubernetes.one(PODS)
        assert last_word is not None
        world.kubernetes.remove(PODS, "team", POD_NAME)
        assert Router(world.controller.cache).pod(last_word, deleted=True) == KEY
        await world.controller.run()
        assert world.said() == ("Running", "Running"), "its log may still come"
        await world.keep()
        await world.controller.run()
        assert world.said() == ("Failed", "PodLost")
        status = world.execution.status
        assert status.exit_code == 7
        assert "Eviction API" in (status.message or "")
        assert world.kubernetes.one(JOBS) is None

    async def test_an_execution_that_somebody_s_finalizer_holds_is_stopped_and_keeps_what_it_wrote(
        self, world: World
    ):
        await start(world)
        hold: JsonObject = {"metadata": {"finalizers": ["example.com/hold"]}}
        world.kubernetes.change(SERVICE_EXECUTIONS, "team", "sum", hold)
        world.kubernetes.remove(SERVICE_EXECUTIONS, "team", "sum")
        await world.controller.run()
        assert world.said() == ("Running", "Stopping")
        assert "patch pods" in world.kubernetes.writes()
        world.wait(5)
        world.pod(ended(143, until=11), ended(until=12))
        await world.keep()
        await world.controller.run()
        assert world.said() == ("Cancelled", "Cancelled")
        assert world.execution.status.log is not None
        assert world.execution.status.result is not None
        assert world.kubernetes.one(JOBS) is None
        writes = world.kubernetes.writes()
        world.wait(100_000)
        await world.controller.run()
        assert world.kubernetes.writes() == writes

    @pytest.mark.parametrize("suspended", [False, True])
    async def test_a_job_that_somebody_s_finalizer_holds_keeps_no_cancelled_run_for_ever(
        self, world: World, suspended
    ):
        world.apply(queueName="q" if suspended else None)
        await world.controller.run()
        hold_job(world)
        world.edit(cancel=True)
        await world.controller.run()
        assert world.said() == ("Pending", "Stopping")
        world.wait(UNCONFIRMED_END)
        await world.controller.run()
        assert world.said() == ("Cancelled", "Cancelled")
        assert world.kubernetes.one(JOBS) is not None
        assert world.kubernetes.writes().count("delete jobs") < 10

    @pytest.mark.parametrize("suspended", [False, True])
    async def test_a_job_that_somebody_deletes_and_a_finalizer_holds_is_deleted(
        self, world: World, suspended
    ):
        world.apply(queueName="q" if suspended else None)
        await world.controller.run()
        hold_job(world)
        world.kubernetes.remove(JOBS, "team", "sum-0a1b2c3d-1")
        await world.controller.run()
        assert world.said() == ("Failed", "JobDeleted")

    async def test_a_time_to_live_deletes_the_execution_with_all_it_owns(self, world: World):
        await succeed(world, world.controller.run)
        world.edit(ttlSecondsAfterFinished=60)
        assert await world.controller.run() == pytest.approx(60)
        world.wait(61)
        await world.controller.run()
        kinds = {plural for plural, _, _ in world.kubernetes.objects}
        assert kinds <= {EVENTS.plural}


def hold_job(world: World) -> None:
    hold: JsonObject = {"metadata": {"finalizers": ["example.com/hold"]}}
    world.kubernetes.change(JOBS, "team", "sum-0a1b2c3d-1", hold)


class TestCausesFromEvents:
    async def test_a_refused_pod_says_why(self, world: World):
        world.apply()
        await world.controller.run()
        job = world.kubernetes.one(JOBS)
        assert job is not None
        world.warn(job, "Error creating: exceeded quota: small, requested: pods=1")
        world.wait(3)
        await world.controller.run()
        assert world.said() == ("Pending", "QuotaExceeded")
        world.pod(running(), running())
        await world.controller.run()
        assert world.said() == ("Running", "Running")

    async def test_events_are_not_asked_for_at_once(self, world: World):
        world.apply()
        await world.controller.run()
        await world.controller.run()
        assert Request("list", "events", "") not in world.kubernetes.requests


async def test_input_may_come_after_the_execution(world: World):
    world.apply(inputJson=None, inputFrom={"configMapRef": {"name": "later"}})
    await world.controller.run()
    assert world.said() == ("Pending", Reason.INPUT_NOT_FOUND.value)
    world.kubernetes.put(
        CONFIG_MAPS,
        {"metadata": {"name": "later", "namespace": "team"}, "data": {"a": "1"}, "immutable": True},
    )
    await world.controller.run()
    assert world.said() == ("Pending", "Starting")
    assert world.kubernetes.writes().count("create configmaps") == 0


async def test_the_key_of_the_harness_is_the_executions(world: World):
    world.apply()
    await world.controller.watch()
    assert list(world.controller.cache.executions) == [KEY]
