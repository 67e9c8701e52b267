"""Executions of services: what they take, what the service refuses, who is let in, and what is done at the end."""

from datetime import timedelta
from typing import Any, cast

import pytest

from serviceexecution.controller.keys import ExecutionKey, ServiceKey
from serviceexecution.kube.kinds import EVENTS, JOBS, SECRETS, SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import ANNOTATION_RUN_SECRET
from tests.support.api_server.bodies import metadata_of
from tests.support.api_server.requests import Crash, Request, refusal
from tests.unit.controller.harness import World, known, succeed
from tests.unit.executions.builders import ended, running

NUMBER = {"type": "object", "properties": {"data": {"type": "number"}}, "required": ["data"]}
SUM = {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]}


def define(world: World, **spec: Any) -> None:
    """Create the service."""
    body: Any = {
        "metadata": {"name": "adder", "namespace": "team", "uid": "service-uid"},
        "spec": {"runtime": {"docker": {"image": "sum:1"}}, **spec},
    }
    world.kubernetes.put(SERVICE_DEFINITIONS, body)


def redefine(world: World, **spec: Any) -> None:
    world.kubernetes.change(SERVICE_DEFINITIONS, "team", "adder", {"spec": spec})


RUN: dict[str, Any] = {"runtime": None, "serviceRef": {"name": "adder"}}


def apply(world: World, **spec: Any) -> None:
    """Create a run of the service."""
    world.apply(**RUN, **spec)


def message(world: World) -> str:
    return world.execution.status.message or ""


def job_spec(world: World) -> Any:
    job = world.kubernetes.one(JOBS)
    assert job is not None
    return job["spec"]


async def test_what_is_taken_is_recorded_before_anything_is_created(world: World):
    define(world, timeout="1h", env=[{"name": "A", "value": "1"}], outputSchema=SUM)
    apply(world)
    await world.controller.run()
    assert world.kubernetes.writes() == [
        "patch serviceexecutions/status",
        "create configmaps",
        "create jobs",
        "patch serviceexecutions/status",
    ]
    taken = world.execution.status.service
    assert taken is not None
    assert (taken.name, taken.uid, taken.generation) == ("adder", "service-uid", 1)
    assert taken.fields["timeout"] == "1h"
    assert taken.output_schema == SUM
    container = job_spec(world)["template"]["spec"]["containers"][0]
    assert {"name": "A", "value": "1"} in container["env"]
    assert container["image"] == "sum:1"


async def test_a_later_change_of_the_service_changes_no_run(world: World):
    define(world, timeout="1h")
    apply(world)
    await world.controller.run()
    before = world.execution.status.service
    redefine(world, timeout="1s", runtime={"docker": {"image": "sum:2"}})
    world.pod(running(), running())
    world.wait(60)
    await world.start().run()
    assert world.said() == ("Running", "Running")
    assert world.execution.status.service == before


async def test_the_timeout_of_the_service_stops_the_program(world: World):
    define(world, limits={"timeout": "10s"})
    apply(world)
    await world.controller.run()
    world.pod(running(), running())
    world.wait(60)
    await world.controller.run()
    assert world.said() == ("Running", "Stopping")


async def test_an_own_time_to_live_wins_over_the_services(world: World):
    define(world, ttlSecondsAfterFinished=5)
    await _succeed_as_run(world)
    world.wait(3)
    await world.start().run()
    assert world.kubernetes.one(SERVICE_EXECUTIONS) is not None
    world.edit(ttlSecondsAfterFinished=100)
    world.wait(10)
    await world.start().run()
    assert world.kubernetes.one(SERVICE_EXECUTIONS) is not None
    world.edit(ttlSecondsAfterFinished=None)
    await world.controller.run()
    assert world.kubernetes.one(SERVICE_EXECUTIONS) is None


async def test_a_service_that_is_missing_is_waited_for_but_not_for_ever(world: World):
    apply(world)
    await world.controller.run()
    assert world.said() == ("Pending", "ServiceNotFound")
    assert '"adder"' in message(world)
    world.wait(61)
    await world.controller.run()
    assert world.said() == ("Failed", "ServiceNotFound")


async def test_a_service_that_comes_is_taken_although_no_watch_told_of_it(world: World):
    apply(world)
    await world.controller.run()
    define(world)
    assert await world.controller.reconcile() == 0
    assert world.execution.status.service is not None


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"inputSchema": {"type": "nonsense"}}, "spec.inputSchema"),
        ({"outputSchema": {"type": 1}}, "spec.outputSchema"),
        ({"limits": {"output": "many"}}, "spec.limits.output"),
        ({"limits": {"resources": {"cpu": "x"}}}, "spec.limits.resources.cpu"),
        ({"limits": {"timeout": "99999999999h"}}, "spec.limits.timeout"),
        ({"timeout": "2h", "limits": {"timeout": "1h"}}, "spec.timeout is 2h"),
    ],
)
async def test_a_service_that_cannot_be_run_says_so_and_so_do_its_executions(world: World, spec, said):
    define(world, **spec)
    apply(world)
    await world.controller.run()
    assert world.said() == ("Pending", "ServiceNotReady")
    assert said in message(world)
    await world.controller.service_reconciler.reconcile(ServiceKey("team", "adder"))
    service: Any = world.kubernetes.one(SERVICE_DEFINITIONS)
    (condition,) = service["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Ready", "False", "Invalid")
    assert said in condition["message"]


async def test_ready_is_written_once_and_again_when_it_changes(world: World):
    define(world, inputSchema=NUMBER)
    key = ServiceKey("team", "adder")
    for _ in range(3):
        await world.controller.watch()
        await world.controller.service_reconciler.reconcile(key)
    assert world.kubernetes.writes() == ["patch servicedefinitions/status"]
    service: Any = world.kubernetes.one(SERVICE_DEFINITIONS)
    assert service["status"]["conditions"][0]["status"] == "True"
    assert service["status"]["observedGeneration"] == 1
    redefine(world, inputSchema={"type": "nonsense"})
    await world.controller.watch()
    await world.controller.service_reconciler.reconcile(key)
    service = world.kubernetes.one(SERVICE_DEFINITIONS)
    assert service["status"]["conditions"][0]["status"] == "False"
    assert service["status"]["observedGeneration"] == 2


@pytest.mark.parametrize(
    ("limits", "asked", "said"),
    [
        ({"timeout": "1h"}, {"timeout": "61m"}, "spec.timeout is 61m; the service allows at most 1h."),
        (
            {"output": "1Gi"},
            {"output": {"limit": "2Gi"}},
            "spec.output.limit is 2Gi; the service allows at most 1Gi.",
        ),
        (
            {"resources": {"memory": "1Gi"}},
            {"resources": {"limits": {"memory": "1025Mi"}}},
            "spec.resources.limits.memory is 1025Mi; the service allows at most 1Gi.",
        ),
        (
            {"resources": {"cpu": "500m"}},
            {"resources": {"requests": {"cpu": "0.6"}}},
            "spec.resources.requests.cpu is 0.6; the service allows at most 500m.",
        ),
        (
            {"resources": {"cpu": 1}},
            {
                "podTemplate": {
                    "spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": "1500m"}}}]}
                }
            },
            "spec.podTemplate.spec.containers.resources.limits.cpu is 1500m; the service allows at most 1.",
        ),
    ],
)
async def test_more_than_the_service_allows_is_refused(world: World, limits, asked, said):
    define(world, limits=limits)
    apply(world, **asked)
    await world.controller.run()
    assert world.said() == ("Failed", "InvalidSpec")
    assert said in message(world)
    assert world.kubernetes.created == {"events": 1}


async def test_as_much_as_the_service_allows_is_not(world: World):
    define(world, limits={"timeout": "1h", "output": "1Gi", "resources": {"cpu": "500m", "memory": "1Gi"}})
    resources = {"limits": {"cpu": "0.5", "memory": "1024Mi"}}
    apply(world, timeout="60m", output={"limit": "1Gi"}, resources=resources)
    await world.controller.run()
    assert world.said() == ("Pending", "Starting")


async def test_an_output_on_a_claim_has_the_services_limit_too(world: World):
    define(world, limits={"output": "1Mi"})
    apply(world, output={"persistentVolumeClaim": {"claimName": "results"}})
    await world.controller.run()
    annotations = job_spec(world)["template"]["metadata"]["annotations"]
    assert annotations["serviceexecution.dev/output-limit"] == str(1024**2)


class TestDataPools:
    @pytest.mark.parametrize("allowed", [[], ["other"]])
    async def test_a_claim_that_is_not_allowed(self, world: World, allowed):
        define(world, dataPoolRules={"allowed": allowed})
        apply(world, dataPools={"a": {"persistentVolumeClaim": {"claimName": "mine"}}})
        await world.controller.run()
        assert world.said() == ("Failed", "InvalidSpec")
        assert 'spec.dataPools["a"] names the claim "mine"' in message(world)

    async def test_an_id_that_is_not_allowed(self, world: World):
        define(world, dataPoolRules={"allowed": ["other"]})
        apply(world, inputJson='{"a": {"id": "mine", "ref": "DATAPOOL"}}')
        await world.controller.run()
        assert world.said() == ("Failed", "InvalidSpec")
        assert '"mine"' in message(world)

    async def test_what_the_service_mounts_itself_is_allowed_as_it_is(self, world: World):
        pool = {"persistentVolumeClaim": {"claimName": "model"}}
        define(world, dataPoolRules={"allowed": []}, dataPools={"model": pool})
        apply(world)
        await world.controller.run()
        assert world.said() == ("Pending", "Starting")

    async def test_but_not_to_be_written(self, world: World):
        pool = {"persistentVolumeClaim": {"claimName": "model"}}
        define(world, dataPoolRules={"allowed": []}, dataPools={"model": pool})
        apply(world, dataPools={"model": {**pool, "readOnly": False}})
        await world.controller.run()
        assert world.said() == ("Failed", "InvalidSpec")


async def test_an_input_that_does_not_fit_never_gets_a_pod(world: World):
    define(world, inputSchema=NUMBER)
    apply(world, inputJson='{"data": "one"}')
    await world.controller.run()
    assert world.said() == ("Failed", "InvalidInput")
    assert '$["data"]' in message(world)
    assert world.kubernetes.one(JOBS) is None
    assert world.kubernetes.created["configmaps"] == 0


async def test_an_input_that_fits_is_run(world: World):
    define(world, inputSchema=NUMBER)
    apply(world, inputJson='{"$tags": ["x"], "data": 1}')
    await world.controller.run()
    assert world.said() == ("Pending", "Starting")


async def _succeed_as_run(world: World, look=None) -> None:
    world_apply = world.apply

    def apply_run(**spec: Any) -> None:
        world_apply(**RUN, **spec)

    cast("Any", world).apply = apply_run
    await succeed(world, look or world.controller.run)


class TestOutputs:
    async def test_one_that_fits(self, world: World):
        define(world, outputSchema=SUM)
        await _succeed_as_run(world)
        assert world.said() == ("Succeeded", "Succeeded")

    async def test_one_that_does_not_fit_fails_and_is_kept(self, world: World):
        define(world, outputSchema={"type": "object", "properties": {"sum": {"type": "string"}}})
        await _succeed_as_run(world)
        assert world.said() == ("Failed", "OutputInvalid")
        assert '$["sum"]' in message(world)
        status = world.execution.status
        assert status.result is not None
        assert status.result.file_count == 1
        assert status.log is not None
        assert status.exit_code == 0

    async def test_a_program_that_fails_is_not_asked_for_its_result(self, world: World):
        define(world, outputSchema=SUM)
        apply(world)
        await world.controller.run()
        world.pod(running(), running())
        await world.controller.run()
        await world.keep()
        world.pod(ended(3), ended(until=16))
        await world.controller.run()
        assert world.said() == ("Failed", "ProgramFailed")


ENDING = [
    "patch serviceexecutions/status",
    "create configmaps",
    "create jobs",
    "patch serviceexecutions/status",
    "patch serviceexecutions/status",
    "delete secrets",
    "patch serviceexecutions/status",
    "delete jobs",
]
"""All writes of a successful run of a service whose secrets go at its end."""


def _with_secret(world: World) -> None:
    world.kubernetes.put(SECRETS, {"metadata": {"name": "sum", "namespace": "team"}})
    original = world.apply

    def annotated(**spec: Any) -> None:
        original(**spec)
        body: Any = world.kubernetes.one(SERVICE_EXECUTIONS)
        metadata_of(body)["annotations"] = {ANNOTATION_RUN_SECRET: "sum"}

    cast("Any", world).apply = annotated


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", range(len(ENDING)))
async def test_a_controller_killed_at_any_write_comes_to_the_same_end(world: World, write, moment):
    left = write
    define(
        world, outputSchema=SUM, resultRetention="1h", concurrency=1, callback={"url": "https://a.example"}
    )
    _with_secret(world)

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
    await _succeed_as_run(world, look)
    assert left < 0, "the write happened"
    assert world.said() == ("Succeeded", "Succeeded")
    assert world.kubernetes.one(JOBS) is None
    assert world.kubernetes.one(SECRETS) is None
    assert world.kubernetes.created["jobs"] == 1
    status = world.execution.status
    assert status.completion_time is not None
    noted = await world.store.read_expiry("team", world.execution.metadata.uid)
    assert noted is not None
    assert abs(noted - status.completion_time - timedelta(hours=1)) < timedelta(seconds=1)
    assert status.callback is not None
    assert status.callback.state == "Pending"
    assert world.controller.called_back[-1].metadata.uid == world.execution.metadata.uid


@pytest.mark.parametrize(("missing", "left"), [(1, False), (100, True)], ids=["for-a-moment", "for-good"])
async def test_a_right_to_delete_the_secret_that_is_missing(world: World, missing: int, left: bool):
    """An API server that has just started has no roles for a moment; without the right the run ends all the same."""
    define(world)
    _with_secret(world)

    def forbid(request: Request, when: str) -> None:
        nonlocal missing
        if (request.verb, request.resource, when) == ("delete", "secrets", "before") and missing:
            missing -= 1
            raise refusal(403, 'secrets "sum" is forbidden: User "us" cannot delete resource "secrets"')

    world.kubernetes.hook = forbid
    await _succeed_as_run(world)
    assert world.said() == ("Succeeded", "Succeeded")
    assert (world.kubernetes.one(SECRETS) is not None) is left


async def test_the_writes_of_a_run(world: World):
    define(world)
    _with_secret(world)
    await _succeed_as_run(world)
    assert list(world.kubernetes.writes()) == ENDING


class TestTheRunsSecret:
    async def test_it_goes_before_a_start_that_is_cancelled(self, world: World):
        _with_secret(world)
        world.apply(cancel=True)
        await world.controller.run()
        assert world.said() == ("Cancelled", "Cancelled")
        assert world.kubernetes.writes() == ["delete secrets", "patch serviceexecutions/status"]

    @pytest.mark.parametrize("status", [403, 404])
    async def test_a_refusal_holds_nothing_up(self, world: World, status):
        def refuse(request: Request, when: str) -> None:
            if (request.verb, request.resource, when) == ("delete", "secrets", "before"):
                raise refusal(status, "no")

        world.kubernetes.hook = refuse
        _with_secret(world)
        world.apply(cancel=True)
        await world.controller.run()
        assert world.said() == ("Cancelled", "Cancelled")

    async def test_without_the_annotation_there_is_no_request(self, world: World):
        world.apply(cancel=True)
        await world.controller.run()
        assert world.kubernetes.writes() == ["patch serviceexecutions/status"]


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

    async def test_one_that_lacks_something_holds_nobody_up(self, world: World):
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
