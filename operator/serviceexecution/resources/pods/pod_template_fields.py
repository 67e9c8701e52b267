"""Which members a pod template has, so that one that Kubernetes would drop without a word is refused with its path.

The table is made by ``make generate`` from the official package's models, which this process does not load.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject, JsonValue

_FILE: Final = "pod_template_fields.json"
_LIST: Final = "[]"
_MAP: Final = "{}"
_LONGEST_NAME: Final = 80
"""Characters of a member's name in a message."""


@cache
def _types() -> Mapping[str, Mapping[str, str]]:
    """Return type → field → type. A list's ends with ``[]``; ``{}`` is a map of scalars, an empty one a scalar."""
    text = files(__package__).joinpath(_FILE).read_text("utf-8")
    return cast("dict[str, dict[str, str]]", json.loads(text))


def template_faults(value: JsonObject, path: str) -> Iterator[str]:
    """Give what is wrong with a patch of a pod template: unknown members, directives of patches, wrong kinds of values.

    Goes no deeper than the table does, whatever the depth of ``value``.
    """
    return _faults(value, "PodTemplateSpec", path)


def affinity_faults(value: JsonObject, path: str) -> Iterator[str]:
    """Give what is wrong with the members of an affinity."""
    return _faults(value, "Affinity", path)


def _faults(value: JsonValue, kind: str, path: str) -> Iterator[str]:
    if value is None:  # Takes the member away
        return
    if kind.endswith(_LIST):
        if not isinstance(value, list):
            yield f"{path} must be a list."
            return
        for number, item in enumerate(value):
            yield from _faults(item, kind.removesuffix(_LIST), f"{path}[{number}]")
    elif not kind:
        if isinstance(value, dict | list):
            yield f"{path} must be a single value."
    elif not isinstance(value, dict):
        yield f"{path} must be an object."
    else:
        for name, child in value.items():
            yield from _member_faults(name, child, kind, f"{path}.{_short(name)}")


def _member_faults(name: str, child: JsonValue, kind: str, path: str) -> Iterator[str]:
    if name.startswith("$"):
        yield f"{path} is a directive of patches, which podTemplate does not know: leave it out; null removes."
    elif kind == _MAP:
        yield from _faults(child, "", path)
    elif (found := _types()[kind].get(name)) is None:
        yield f"{path} is no field of a pod: correct or remove it."
    else:
        yield from _faults(child, found, path)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"
