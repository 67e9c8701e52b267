"""The revisions of a service as people see them, and its settings as they could be applied again. Pure."""

from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_types import (
    JsonObject,
    object_at,
    object_of,
    objects_of,
    text_at,
    text_of,
)
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND

_SHOWN: Final = (
    "name",
    "phase",
    "reason",
    "message",
    "commit",
    "sourceDigest",
    "image",
    "startTime",
    "completionTime",
)
_BUILT: Final = "Succeeded"
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_KEPT_METADATA: Final = ("name", "namespace", "labels", "annotations")


def revisions_document(body: JsonObject) -> JsonObject:
    """Return what was built of a service, newest first, which revision serves, and which one is pinned."""
    revisions = objects_of(object_at(body, "status").get("revisions"))
    return {
        "serving": text_at(body, "status", "revision") or None,
        "pinned": text_at(body, "spec", "revision") or None,
        "revisions": [{name: one[name] for name in _SHOWN if one.get(name)} for one in revisions],
    }


def good_revision(body: JsonObject, name: str) -> None:
    """Raise Problem unless that revision can serve: 404 when there is none, 409 when it was not built."""
    service = text_at(body, "metadata", "name")
    revisions = objects_of(object_at(body, "status").get("revisions"))
    phase = next((text_of(one.get("phase")) for one in revisions if one.get("name") == name), None)
    if phase is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "RevisionNotFound",
            f"The service {service} has no revision {name[:12]}, or has it no longer.",
        )
    if phase != _BUILT:
        raise Problem(
            HTTPStatus.CONFLICT, "RevisionNotBuilt", f"{name[:12]} cannot serve, its build is {phase}."
        )


def settings_of(body: JsonObject) -> JsonObject:
    """Return the service without what only the cluster writes."""
    metadata = object_at(body, "metadata")
    annotations = {
        name: value for name, value in object_of(metadata.get("annotations")).items() if name != _LAST_APPLIED
    }
    kept = {**metadata, "annotations": annotations}
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": DEFINITION_KIND,
        "metadata": {name: kept[name] for name in _KEPT_METADATA if kept.get(name)},
        "spec": object_at(body, "spec"),
    }
