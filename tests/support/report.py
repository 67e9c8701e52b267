"""What a failing end-to-end test shows: the namespace as it was at that moment, in a form people can read."""

import contextlib
from typing import cast

import urllib3
import yaml

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import EVENTS, PODS
from tests.support.cluster import ApiError, Cluster, member, name_of
from tests.support.sandbox import kinds_to_report

_LOG_LINES = 60
_UNREADABLE = (ApiError, urllib3.exceptions.HTTPError)  # the cluster itself may be what has failed


def namespace_report(cluster: Cluster, namespace: str) -> str:
    """Return the executions, Jobs, pods, claims, Events and logs of a namespace."""
    parts: list[str] = []
    for kind in kinds_to_report():
        with contextlib.suppress(*_UNREADABLE):
            for item in cluster.select(kind, namespace):
                parts.append(f"── {kind.plural} {namespace}/{name_of(item)}")
                parts.append(_yaml(item))
    with contextlib.suppress(*_UNREADABLE):
        parts.append(f"── events of {namespace}")
        parts += [_event(event) for event in cluster.select(EVENTS, namespace)]
    with contextlib.suppress(*_UNREADABLE):
        for pod in cluster.select(PODS, namespace):
            parts += _logs(cluster, namespace, pod)
    return "\n".join(parts)


def operator_report(cluster: Cluster, namespace: str) -> str:
    """Return the end of the operator's logs."""
    parts: list[str] = []
    with contextlib.suppress(*_UNREADABLE):
        for pod in cluster.select(PODS, namespace):
            parts += _logs(cluster, namespace, pod)
    return "\n".join(parts)


def _yaml(item: JsonObject) -> str:
    metadata = item.get("metadata")
    if isinstance(metadata, dict):
        item = {**item, "metadata": {k: v for k, v in metadata.items() if k != "managedFields"}}
    text = yaml.safe_dump(item, sort_keys=False, allow_unicode=True)
    return text if len(text) < 12000 else f"{text[:12000]}\n… ({len(text)} characters)"


def _event(event: JsonObject) -> str:
    about = f"{member(event, 'involvedObject', 'kind')}/{member(event, 'involvedObject', 'name')}"
    return f"{event.get('lastTimestamp')} {event.get('type')} {about} {event.get('reason')}: {event.get('message')}"


def _logs(cluster: Cluster, namespace: str, pod: JsonObject) -> list[str]:
    parts: list[str] = []
    containers = cast("list[JsonObject]", member(pod, "spec", "containers") or [])
    for container in containers:
        name = str(container["name"])
        parts.append(f"── log of {namespace}/{name_of(pod)} {name} (last {_LOG_LINES} lines)")
        parts.append(cluster.pod_log(namespace, name_of(pod), name, tail_lines=_LOG_LINES))
    return parts
