"""Which claims get a volume, and what the volume looks like."""

import copy
from pathlib import Path

import pytest

from cluster.node.provisioner import PROVISIONER, JsonObject, is_released, volume_for, wants_volume

CLASSES = {"standard": "Delete"}
CLAIM: JsonObject = {
    "metadata": {"name": "data", "namespace": "default", "uid": "u-1", "resourceVersion": "7"},
    "spec": {
        "storageClassName": "standard",
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Gi"}},
    },
    "status": {"phase": "Pending"},
}


def changed(part: str, **values: str) -> JsonObject:
    claim = copy.deepcopy(CLAIM)
    section = claim[part]
    assert isinstance(section, dict)
    section.update(values)
    return claim


def test_a_waiting_claim_of_our_class_gets_a_volume() -> None:
    assert wants_volume(CLAIM, CLASSES)


@pytest.mark.parametrize(
    "claim",
    [
        changed("spec", storageClassName="other"),
        changed("spec", volumeName="pv-1"),
        changed("spec", volumeMode="Block"),
        changed("status", phase="Bound"),
        changed("metadata", deletionTimestamp="2026-01-01T00:00:00Z"),
    ],
)
def test_other_claims_get_none(claim: JsonObject) -> None:
    assert not wants_volume(claim, CLASSES)


def test_the_volume_is_bound_to_its_claim_alone() -> None:
    volume = volume_for(CLAIM, Path("/volumes"), "Delete")
    spec = volume["spec"]
    assert isinstance(spec, dict)
    assert spec["hostPath"] == {"path": "/volumes/pvc-u-1", "type": "Directory"}
    assert spec["accessModes"] == ["ReadWriteMany"]
    assert spec["claimRef"] == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": "default",
        "name": "data",
        "uid": "u-1",
        "resourceVersion": "7",
    }


def test_only_our_own_released_volumes_are_removed() -> None:
    volume = volume_for(CLAIM, Path("/volumes"), "Delete")
    assert not is_released(volume)
    released: JsonObject = {**volume, "status": {"phase": "Released"}}
    assert is_released(released)
    assert not is_released({**volume_for(CLAIM, Path("/v"), "Retain"), "status": {"phase": "Released"}})
    foreign: JsonObject = {**released, "metadata": {"name": "x", "annotations": {}}}
    assert PROVISIONER not in str(foreign["metadata"])
    assert not is_released(foreign)
