"""What executions use at the moment, as the cluster's metrics API tells it: that of ``kubectl top``."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from serviceexecution.cli.cluster.api import ApiError, ClusterApi
from serviceexecution.cli.summaries import ExecutionSummary
from serviceexecution.contract.json_types import JsonObject, JsonValue, object_at, objects_of, text_of
from serviceexecution.contract.quantities import exact_quantity
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.resources.names import LABEL_EXECUTION_UID, MAIN_CONTAINER

_POD_METRICS: Final = ResourceKind("metrics.k8s.io", "v1beta1", "pods")


@dataclass(frozen=True, slots=True)
class LiveUsage:
    """What the program of one execution uses now."""

    cores: float
    memory: int
    """Bytes of its working set."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of all executions, by uid. ``why_not`` says why nothing is known, "" otherwise."""

    by_uid: dict[str, LiveUsage]
    why_not: str = ""

    def of(self, view: ExecutionSummary) -> LiveUsage | None:
        """Return what an execution uses, None when nobody has measured it yet."""
        return self.by_uid.get(view.uid)


def measure(api: ClusterApi, namespace: str | None) -> Measured:
    """Return what the programs of a namespace use, of all namespaces for None. Raises what ClusterApi raises."""
    try:
        pods = api.list(_POD_METRICS, namespace, label_selector=LABEL_EXECUTION_UID)
    except ApiError as error:
        if error.status == 403:
            return Measured({}, "you may not list pods.metrics.k8s.io, which the role view has.")
        if error.status in {404, 503}:
            return Measured({}, "the cluster has no metrics API, which metrics-server brings.")
        raise
    return Measured(usage_by_uid(pods))


def usage_by_uid(pods: Iterable[JsonObject]) -> dict[str, LiveUsage]:
    """Return what the main container of each pod uses. Pure."""
    found: dict[str, LiveUsage] = {}
    for pod in pods:
        uid = text_of(object_at(pod, "metadata", "labels").get(LABEL_EXECUTION_UID))
        for container in objects_of(pod.get("containers")):
            usage = object_at(container, "usage")
            cores, memory = (_number(usage.get(name)) for name in ("cpu", "memory"))
            if uid and container.get("name") == MAIN_CONTAINER and cores is not None and memory is not None:
                found[uid] = LiveUsage(float(cores), int(memory))
    return found


def _number(value: JsonValue) -> Decimal | None:
    return exact_quantity(text_of(value))
