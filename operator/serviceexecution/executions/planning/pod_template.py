"""What ``spec.podTemplate`` may not do: make main run twice, take the collector's part, or say what no pod knows."""

import posixpath
from collections.abc import Iterator
from itertools import chain
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, metadata_of, object_of
from serviceexecution.contract.paths import INPUT_DIRECTORY, OLDER_INPUT_DIRECTORY, OUTPUT_DIRECTORY
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.names import (
    API_GROUP,
    COLLECTOR_CONTAINER,
    COLLECTOR_TOKEN_VOLUME,
    MAIN_CONTAINER,
    STAGE_IN_CONTAINER,
)
from serviceexecution.resources.pods.pod_template_fields import affinity_faults, template_faults

FIELD: Final = "spec.podTemplate"
_METADATA: Final = frozenset({"labels", "annotations"})
_OWN_VOLUMES: Final = frozenset({"input", "output", "datapool", COLLECTOR_TOKEN_VOLUME})
"""``home`` and ``tmp`` are only the program's: it may have them elsewhere."""
_OWN_PREFIXES: Final = ("claim-", "datapool-")
_OWN_PATHS: Final = frozenset({INPUT_DIRECTORY, OLDER_INPUT_DIRECTORY, OUTPUT_DIRECTORY})
_OF_COLLECTOR: Final = frozenset({"name", "resources", "securityContext", "imagePullPolicy"})
"""What may be said of the collector: nothing that makes another program of it."""
_REQUIRED: Final = ("containers", "volumes")


def template_problem(spec: ExecutionSpec) -> str | None:
    """Return what is wrong with the spec's podTemplate or affinity in a sentence that begins with the field."""
    affinity, template = spec.affinity or {}, spec.pod_template or {}
    faults = chain(
        affinity_faults(affinity, "spec.affinity"), template_faults(template, FIELD), _forbidden(template)
    )
    return next(faults, None)


def _forbidden(template: JsonObject) -> Iterator[str]:
    """Give what is a pod's, but not the template's to say; its members are of the right kinds."""
    for name, value in metadata_of(template).items():
        if name not in _METADATA and value is not None:
            yield f"{FIELD}.metadata.{name} is not for a template: give only labels and annotations."
    pod = object_of(template.get("spec"))
    for name in _REQUIRED:
        if name in pod and pod[name] is None:
            yield f"{FIELD}.spec.{name} cannot be removed: name what is to change in it."
    if pod.get("shareProcessNamespace") is not None:
        yield f"{FIELD}.spec.shareProcessNamespace: set spec.shareProcessNamespace, which also tells the collector."
    if pod.get("ephemeralContainers"):
        yield f"{FIELD}.spec.ephemeralContainers are for pods that run: leave them out."
    yield from _volume_faults(pod.get("volumes"))
    for part in ("initContainers", "containers"):
        for number, container in enumerate(_objects(pod.get(part))):
            yield from _container_faults(container, part, f"{FIELD}.spec.{part}[{number}]")


def _volume_faults(volumes: JsonValue) -> Iterator[str]:
    for number, volume in enumerate(_objects(volumes)):
        path, name = f"{FIELD}.spec.volumes[{number}]", str(volume.get("name"))
        if name in _OWN_VOLUMES or name.startswith(_OWN_PREFIXES):
            yield f'{path}: the volume "{name[:63]}" is the operator\'s; give yours another name.'
        projected = object_of(volume.get("projected"))
        for place, source in enumerate(_objects(projected.get("sources"))):
            audience = str(object_of(source.get("serviceAccountToken")).get("audience") or "")
            if audience == API_GROUP or audience.endswith(f".{API_GROUP}"):
                yield (
                    f"{path}.projected.sources[{place}].serviceAccountToken.audience: tokens for {audience[:63]} are "
                    "the operator's own; name another audience."
                )


def _container_faults(container: JsonObject, part: str, path: str) -> Iterator[str]:
    name = container.get("name")
    if name in {COLLECTOR_CONTAINER, STAGE_IN_CONTAINER}:
        for member in container.keys() - _OF_COLLECTOR:
            which = "collector" if name == COLLECTOR_CONTAINER else f"init container {STAGE_IN_CONTAINER}"
            yield f"{path}.{member}: of the {which} only resources, securityContext and imagePullPolicy may change."
    if container.get("restartPolicyRules"):
        yield f"{path}.restartPolicyRules could start main a second time, and it runs once: leave them out."
    if name == MAIN_CONTAINER and part == "containers":
        if container.get("restartPolicy") not in {None, "Never"}:
            yield f"{path}.restartPolicy: main runs once; leave it out."
        for number, mount in enumerate(_objects(container.get("volumeMounts"))):
            place = posixpath.normpath(str(mount.get("mountPath")))
            if place in _OWN_PATHS:
                yield f"{path}.volumeMounts[{number}].mountPath: {place} is the operator's; mount yours elsewhere."
    for kind in ("volumeMounts", "volumeDevices"):
        for number, mount in enumerate(_objects(container.get(kind))):
            if mount.get("name") == COLLECTOR_TOKEN_VOLUME:
                yield f"{path}.{kind}[{number}].name: {COLLECTOR_TOKEN_VOLUME} is only for the collector."


def _objects(value: JsonValue) -> list[JsonObject]:
    """Return a list's items at their places; what is no object is an empty one."""
    return [object_of(item) for item in value] if isinstance(value, list) else []
