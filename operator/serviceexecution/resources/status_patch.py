"""The smallest JSON merge patch (RFC 7386) from one status to another."""

from typing import TypeVar, cast

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.model import ResourceModel

Status = TypeVar("Status", bound=ResourceModel)


def status_patch(old: Status, new: Status) -> JsonObject:
    """Return what changes ``old`` into ``new``; empty when nothing does. Lists are replaced whole."""
    if old == new:
        return {}  # Of most passes: writing both down takes as long as the rest of one
    return merge_patch(_dump(old), _dump(new))


def merge_patch(old: JsonObject, new: JsonObject) -> JsonObject:
    """Return the patch between two JSON objects: members that vanish become null."""
    patch: JsonObject = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            if inner := merge_patch(before, value):
                patch[key] = inner
        elif key not in old or before != value:
            patch[key] = value
    return patch


def _dump(status: ResourceModel) -> JsonObject:
    return cast("JsonObject", status.model_dump(mode="json", by_alias=True, exclude_none=True))
