"""Merges ``spec.podTemplate`` into a rendered pod template, as a strategic merge patch would."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue

_MERGE_KEYS: Final[dict[str, str]] = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}
"""Lists of objects that are merged by this member, as their types in core/v1 say (patchMergeKey)."""


def merge(base: JsonObject, patch: JsonObject) -> JsonObject:
    """Return ``base`` with ``patch`` merged in: null deletes, objects merge, known lists merge by their
    key.
    """
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
            continue
        result[key] = _merge_value(key, result.get(key), value)
    return result


def _merge_value(key: str, old: JsonValue, new: JsonValue) -> JsonValue:
    if isinstance(old, dict) and isinstance(new, dict):
        return merge(old, new)
    merge_key = _MERGE_KEYS.get(key)
    if merge_key is not None and isinstance(old, list) and isinstance(new, list):
        return _merge_list(old, new, merge_key)
    return new


def _merge_list(old: list[JsonValue], new: list[JsonValue], merge_key: str) -> list[JsonValue]:
    result = list(old)
    for item in new:
        place = next((i for i, have in enumerate(result) if _same(have, item, merge_key)), None)
        if place is None:
            result.append(item)
            continue
        have = result[place]
        if isinstance(have, dict) and isinstance(item, dict):
            result[place] = merge(have, item)
    return result


def _same(one: JsonValue, other: JsonValue, merge_key: str) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(other, dict)
        and merge_key in one
        and one.get(merge_key) == other.get(merge_key)
    )
