"""Objects as JSON: their metadata, merge patches, and who owns whom."""

import copy
from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject

FIXED: Final = ("name", "namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp")
"""Metadata that no patch changes."""


def metadata_of(body: JsonObject) -> JsonObject:
    """Return an object's metadata, to be changed in place."""
    return cast("JsonObject", body["metadata"])


def owners_of(body: JsonObject) -> set[str]:
    """Return the uids of an object's owners."""
    references = cast("list[JsonObject]", metadata_of(body).get("ownerReferences") or [])
    return {str(reference.get("uid")) for reference in references}


def merge(target: JsonObject, patch: JsonObject) -> None:
    """Apply a JSON merge patch (RFC 7386) in place."""
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict):
            inner = target.get(name)
            if not isinstance(inner, dict):
                inner = target[name] = {}
            merge(inner, value)
        else:
            target[name] = copy.deepcopy(value)


def patched(body: JsonObject, patch: JsonObject, subresource: str | None) -> JsonObject:
    """Return the object after a client's patch: its status is a door of its own, and some metadata stays."""
    part = {"status": patch["status"]} if "status" in patch else {}
    if subresource != "status":
        part = {name: value for name, value in patch.items() if name != "status"}
    changed = copy.deepcopy(body)
    merge(changed, part)
    metadata = metadata_of(changed)
    for name in (*FIXED, "resourceVersion"):
        metadata.pop(name, None)
        if name in metadata_of(body):
            metadata[name] = metadata_of(body)[name]
    return changed
