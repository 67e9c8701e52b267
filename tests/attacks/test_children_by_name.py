"""Controller 19 and 38: what has the name, the labels or the owner of a run's child is not the run's by that alone.

Fails on 9b98b50: a ConfigMap that somebody had made under the name of a queued run's input was that run's input, and a
newer Job or pod with copied labels and owner took the place of the recorded one, from any namespace.
"""

import copy
from typing import Any, cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.executions.names import input_name, labels, owner_reference
from serviceexecution.executions.render.input import input_config_map
from serviceexecution.kube.kinds import CONFIG_MAPS, JOBS, PODS
from tests.support.api_server.bodies import metadata_of
from tests.unit.controller.conftest import world
from tests.unit.controller.harness import World, start
from tests.unit.executions.builders import REFERENCE, ended, execution, plan_of, pod, running

__all__ = ["world"]

PLAN = plan_of(execution(input_json='{"data": 1}'))
MALLORYS = '{"data": "mallory"}'


def input_map(**changes: Any) -> JsonObject:
    """Return the run's input as the controller makes it, but for these members."""
    body = cast("JsonObject", {**input_config_map(REFERENCE, PLAN.input), **changes})
    return copy.deepcopy(body)


def metadata(**changes: Any) -> JsonObject:
    return {**metadata_of(input_map()), **changes}


FOREIGN: dict[str, JsonObject] = {
    "nobody's": input_map(metadata={"name": input_name(REFERENCE), "namespace": "team"}),
    "another run's": input_map(
        metadata=metadata(ownerReferences=[{**owner_reference(REFERENCE), "uid": "another"}])
    ),
    "an owner that only keeps it": input_map(
        metadata=metadata(ownerReferences=[{**owner_reference(REFERENCE), "controller": False}])
    ),
    "without our label": input_map(metadata=metadata(labels={})),
    "with all that is public, and another input": input_map(data={"data.json": MALLORYS}),
    "the input, to be changed later": input_map(immutable=False),
    "the input and more": input_map(binaryData={"more": "AA=="}),
}


class TestTheInput:
    @pytest.mark.parametrize("kind", list(FOREIGN))
    async def test_a_foreign_one_ends_the_run_before_anything_starts(self, world: World, kind: str):
        world.kubernetes.put(CONFIG_MAPS, FOREIGN[kind])
        world.apply()
        await world.controller.run()
        assert world.said() == ("Failed", "InvalidSpec")
        name = input_name(REFERENCE)
        assert f'A ConfigMap "{name}" that belongs to something else' in str(world.execution.status.message)
        assert world.kubernetes.one(JOBS) is None

    async def test_the_own_one_from_before_a_restart_is_used(self, world: World):
        world.kubernetes.put(CONFIG_MAPS, input_map())
        world.apply()
        await world.controller.run()
        assert world.said() == ("Pending", "Starting")
        assert world.kubernetes.one(JOBS) is not None


class TestJobAndPod:
    @pytest.mark.parametrize("namespace", ["team", "evil"])
    @pytest.mark.parametrize("same_name", [True, False])
    async def test_a_newer_job_with_our_labels_and_owner_changes_nothing(
        self, world: World, namespace: str, same_name: bool
    ):
        await start(world)
        job = world.kubernetes.one(JOBS)
        assert job is not None
        name = metadata_of(job)["name"] if same_name and namespace == "evil" else "later"
        world.wait(5)
        fake: JsonObject = {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": labels(REFERENCE, 1),
                "ownerReferences": [owner_reference(REFERENCE)],
            },
            "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "Faked"}]},
        }
        before = world.execution.status
        world.kubernetes.put(JOBS, fake)
        await world.controller.run()
        assert world.execution.status.job == before.job
        assert world.said() == ("Running", "Running")

    @pytest.mark.parametrize("namespace", ["team", "evil"])
    async def test_a_newer_pod_that_names_our_job_says_nothing_of_the_recorded_one(
        self, world: World, namespace: str
    ):
        await start(world)
        world.pod(running(), running())
        await world.controller.run()
        recorded = world.execution.status.pod
        real = world.kubernetes.one(PODS)
        assert real is not None
        world.wait(5)
        fake = cast(
            "JsonObject", pod(ended(0), ended()).model_dump(mode="json", by_alias=True, exclude_none=True)
        )
        of_fake = metadata_of(fake)
        of_fake.update(name="fake", namespace=namespace, ownerReferences=metadata_of(real)["ownerReferences"])
        for member in ("uid", "creationTimestamp"):
            del of_fake[member]
        world.kubernetes.put(PODS, fake)
        await world.controller.run()
        assert world.execution.status.pod == recorded
        assert world.said() == ("Running", "Running")
