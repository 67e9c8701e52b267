"""Which container of a pod it is that a quota or a LimitRange refuses, and where its resources come from. Pure.

Their own words name none (LimitRange), or no place where something can be changed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, object_of
from serviceexecution.contract.quantities import exact_quantity
from serviceexecution.resources.names import COLLECTOR_CONTAINER, MAIN_CONTAINER

_BOUND: Final = re.compile(r"imum (\S+) usage per Container is [^,]+, but (request|limit) is ([^,\]\s]+)")
_UNBOUND: Final = re.compile(r"imum (\S+) usage per Container is \S+?\.  No (request|limit) is specified")
_RATIO: Final = re.compile(
    r"(\S+) max limit to request ratio per Container is [^,]+, but provided ratio is ([0-9.]+)"
)
_UNSPECIFIED: Final = re.compile(r"(?:must specify|;) ?([a-z0-9./,-]+) for: ([a-z0-9.,-]+)")
_REQUESTED: Final = re.compile(r"requested: ([^\s]+),? used:")
PLACES_OF_RUNS: Final = {
    MAIN_CONTAINER: "spec.resources",
    COLLECTOR_CONTAINER: "the value collector.resources of the operator's chart",
}
PLACES_OF_BUILDS: Final = {
    MAIN_CONTAINER: "spec.build.resources, or the value builds.resources of the operator's chart"
}
"""Where the resources of containers are set."""

_SAME_RATIO: Final = 1e-4
MOST_CONTAINERS: Final = 20
"""Of a pod, that are looked at."""


@dataclass(frozen=True, slots=True)
class ContainerNeeds:
    """What a container asks for: ``requests`` and ``limits`` by resource."""

    name: str
    requests: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)

    def asked(self, kind: str, resource: str) -> str | None:
        """Return the quantity of a request or a limit."""
        return (self.requests if kind == "request" else self.limits).get(resource)


def needs_of(job: JsonObject) -> tuple[ContainerNeeds, ...]:
    """Return what the containers of a Job's pod ask for."""
    template = object_of(object_of(job.get("spec")).get("template"))
    containers = object_of(template.get("spec")).get("containers")
    return tuple(
        ContainerNeeds(
            str(object_of(one).get("name")),
            _quantities(object_of(object_of(one).get("resources")).get("requests")),
            _quantities(object_of(object_of(one).get("resources")).get("limits")),
        )
        for one in (containers if isinstance(containers, list) else [])[:MOST_CONTAINERS]
    )


def is_about_containers(message: str) -> bool:
    """Tell whether a refusal is about what containers ask for."""
    return "per Container" in message or "must specify" in message or _REQUESTED.search(message) is not None


def place_hint(message: str, containers: Sequence[ContainerNeeds], places: Mapping[str, str]) -> str:
    """Return which containers a refusal is about and where to change what they ask for; empty when it does not tell.

    ``places`` says of containers, by name, where their resources are set.
    """
    found: dict[str, list[str]] = {}
    for name, what in (*_misfits(message, containers), *_missing(message), *_shares(message, containers)):
        if what not in found.setdefault(name, []):
            found[name].append(what)
    return " ".join(
        f'The container "{name}": {", ".join(faults)}; {places[name]} changes it.'
        if name in places
        else f'The container "{name}": {", ".join(faults)}.'
        for name, faults in found.items()
    )


def _misfits(message: str, containers: Sequence[ContainerNeeds]) -> Iterator[tuple[str, str]]:
    for resource, kind, value in _BOUND.findall(message):
        for one in containers:
            if _same(one.asked(kind, resource), value):
                yield one.name, f"its {kind} of {resource} is {value}"
    for resource, kind in _UNBOUND.findall(message):
        for one in containers:
            if one.asked(kind, resource) is None:
                yield one.name, f"it has no {kind} of {resource}"
    for resource, ratio in _RATIO.findall(message):
        for one in containers:
            have = _ratio(one.asked("limit", resource), one.asked("request", resource))
            if have is not None and abs(have - float(ratio)) < _SAME_RATIO * max(1, have):
                yield one.name, f"its limit of {resource} is {have:g} times its request"


def _missing(message: str) -> Iterator[tuple[str, str]]:
    if "must specify" not in message:
        return
    for resources, names in _UNSPECIFIED.findall(message):
        for name in names.split(","):
            yield name, f"it lacks {resources.replace(',', ' and ')}"


def _shares(message: str, containers: Sequence[ContainerNeeds]) -> Iterator[tuple[str, str]]:
    match = _REQUESTED.search(message)
    for part in match[1].split(",") if match else ():
        kind, dot, resource = part.partition("=")[0].partition(".")
        if not dot or kind not in {"requests", "limits"}:
            continue
        for one in containers:
            if (value := one.asked(kind[:-1], resource)) is not None:
                yield one.name, f"its {kind[:-1]} of {resource} is {value}"


def _same(one: str | None, other: str) -> bool:
    return one is not None and exact_quantity(one) == exact_quantity(other)


def _ratio(limit: str | None, request: str | None) -> float | None:
    most = exact_quantity(limit) if limit is not None else None
    least = exact_quantity(request) if request is not None else None
    return float(most / least) if most is not None and least else None


def _quantities(value: JsonValue) -> dict[str, str]:
    return {name: str(quantity) for name, quantity in object_of(value).items()}
