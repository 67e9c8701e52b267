"""Somebody makes thousands of data pools with long descriptions, and runs what names one of them.

The controller held all data pools of the namespace for each pass that looked for one, a dozen passes of a namespace at
once: with 10,000 descriptions of 8 KiB more than its memory. Fails on a0a0e69.
"""

import json
from typing import Any

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.executions import planning
from serviceexecution.kube.kinds import DATA_POOLS, JOBS, PERSISTENT_VOLUME_CLAIMS
from serviceexecution.resources.names import LABEL_DATA_POOL_ID
from tests.unit.controller.conftest import world
from tests.unit.controller.harness import World

__all__ = ["world"]

LONG = "x" * 8000


def add(world: World, name: str, label: str) -> None:
    metadata: JsonObject = {
        "name": name,
        "namespace": "team",
        "uid": f"uid-{name}",
        "labels": {LABEL_DATA_POOL_ID: label},
        "annotations": {"note": LONG},
    }
    world.kubernetes.put(DATA_POOLS, {"metadata": metadata, "spec": {"description": LONG}})
    claim: JsonObject = {**metadata, "uid": f"claim-{name}", "labels": {LABEL_DATA_POOL_ID: f"claim-{label}"}}
    world.kubernetes.put(PERSISTENT_VOLUME_CLAIMS, {"metadata": claim})


async def test_a_pass_holds_only_what_its_execution_names(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Any] = []
    read = planning._read_pools

    def noted(known: Any, claims: Any, pools: Any) -> Any:
        held.append([*claims, *pools])
        return read(known, claims, pools)

    monkeypatch.setattr(planning, "_read_pools", noted)
    for number in range(300):
        add(world, f"pool-{number}", "many" if number else "numbers")
    world.apply(inputJson='{"pool": {"ref": "DATAPOOL", "id": "numbers"}}')
    await world.controller.run()
    assert "data-pools" in str(world.kubernetes.one(JOBS))
    (found,) = held
    assert [one["metadata"]["name"] for one in found] == ["pool-0"]
    assert len(json.dumps(found)) < 2000
