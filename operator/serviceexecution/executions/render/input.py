"""Renders the ConfigMap that carries input files into the pod."""

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.executions.names import input_name, labels, owner_reference
from serviceexecution.executions.planning.plan import InputVolume
from serviceexecution.resources.reference import ExecutionReference


def input_config_map(reference: ExecutionReference, volume: InputVolume) -> JsonObject:
    """Return the immutable ConfigMap of ``volume``'s own entries."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": input_name(reference),
            "namespace": reference.namespace,
            "labels": {**labels(reference)},
            "ownerReferences": [owner_reference(reference)],
        },
        "immutable": True,
        "data": {entry.key: entry.text for entry in volume.entries},
    }


def input_volume(reference: ExecutionReference, volume: InputVolume) -> JsonObject:
    """Return the pod's volume ``input``; an empty input still has its directory."""
    if volume.source == "empty":
        return {"name": "input", "emptyDir": {}}
    return {
        "name": "input",
        "configMap": {
            "name": volume.config_map or input_name(reference),
            "items": [{"key": entry.key, "path": entry.path} for entry in volume.entries],
        },
    }
