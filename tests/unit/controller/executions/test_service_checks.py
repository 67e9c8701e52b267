"""What a service checks of its executions: limits, data pools, inputs and outputs."""

import hashlib
import json

import pytest

from serviceexecution.kube.kinds import JOBS
from tests.unit.controller.harness import World
from tests.unit.controller.service_harness import (
    NUMBER,
    SUM,
    _succeed_as_run,
    apply,
    define,
    job_spec,
    message,
)
from tests.unit.executions.builders import ended, running


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

    async def test_a_data_pool_of_the_service_may_not_be_made_writable(self, world: World):
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


class TestOutputs:
    async def test_an_output_that_fits_succeeds(self, world: World):
        define(world, outputSchema=SUM)
        await _succeed_as_run(world)
        assert world.said() == ("Succeeded", "Succeeded")

    async def test_an_output_that_does_not_fit_fails_and_is_kept(self, world: World):
        define(world, outputSchema={"type": "object", "properties": {"sum": {"type": "string"}}})
        await _succeed_as_run(world)
        assert world.said() == ("Failed", "OutputInvalid")
        assert '$["sum"]' in message(world)
        status = world.execution.status
        assert status.result is not None
        assert status.result.file_count == 1
        assert status.log is not None
        assert status.exit_code == 0

    async def test_an_ended_execution_keeps_the_digest_of_a_long_schema_and_no_copy(self, world: World):
        """Controller 30: 20,000 executions of a service with a schema of 64 KiB are more than etcd holds."""
        schema = {**SUM, "description": "ü" * 5_000}
        define(world, outputSchema=schema)
        apply(world)
        await world.controller.run()
        assert world.execution.status.service is not None
        assert world.execution.status.service.output_schema == schema
        world.pod(running(), running())
        await world.controller.run()
        await world.keep()
        world.pod(ended(), ended(until=16))
        await world.controller.run()
        assert world.said() == ("Succeeded", "Succeeded")
        taken = world.execution.status.service
        text = json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert taken.output_schema is None
        assert taken.output_schema_digest == hashlib.sha256(text.encode()).hexdigest()

    async def test_an_ended_execution_keeps_a_short_schema(self, world: World):
        define(world, outputSchema=SUM)
        await _succeed_as_run(world)
        taken = world.execution.status.service
        assert taken is not None
        assert (taken.output_schema, taken.output_schema_digest) == (SUM, None)

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
