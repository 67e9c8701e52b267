"""The metrics of controller and gateway, from the modules that define them."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Final, Literal

from prometheus_client import Counter, Gauge, Histogram

from serviceexecution.controller import metrics as controller_metrics
from serviceexecution.gateway import metrics as gateway_metrics
from serviceexecution.kube import metrics as kube_metrics
from serviceexecution.logs import metrics as logs_metrics
from serviceexecution.tracing import metrics as tracing_metrics

Process = Literal["controller", "gateway", "both"]

_MODULES: Final[tuple[tuple[Process, str, ModuleType], ...]] = (
    ("controller", "Executions and builds", controller_metrics),
    ("controller", "Logs", logs_metrics),
    ("both", "Requests to the Kubernetes API", kube_metrics),
    ("both", "Traces", tracing_metrics),
    ("gateway", "Gateway", gateway_metrics),
)


@dataclass(frozen=True)
class Metric:
    """A metric as Prometheus sees it."""

    name: str
    """With `_total` when it is a counter; of a histogram, without `_bucket`, `_sum` and `_count`."""
    kind: str
    """`counter`, `gauge` or `histogram`."""
    process: Process
    group: str
    """What it is about, as a heading."""
    labels: tuple[str, ...]
    meaning: str
    """One sentence."""


def metrics() -> tuple[Metric, ...]:
    """Return all of them, in the order of their modules."""
    return tuple(
        metric for process, group, module in _MODULES for metric in _of_module(process, group, module)
    )


def _of_module(process: Process, group: str, module: ModuleType) -> Iterator[Metric]:
    for metric in vars(module).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            (family,) = metric.describe()
            yield Metric(
                name=f"{family.name}_total" if isinstance(metric, Counter) else family.name,
                kind=family.type,
                process=process,
                group=group,
                labels=tuple(metric._labelnames),  # noqa: SLF001 - there is no public way
                meaning=f"{family.documentation.rstrip('.')}.",
            )
