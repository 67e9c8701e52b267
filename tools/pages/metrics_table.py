"""The table of metrics in docs/operations.md, from the modules that define them."""

from collections.abc import Iterator
from types import ModuleType
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from serviceexecution.controller import metrics as controller_metrics
from serviceexecution.gateway import metrics as gateway_metrics
from serviceexecution.kube import metrics as kube_metrics
from serviceexecution.logs import metrics as logs_metrics
from tools.pages.markdown import replace_parts, table

PAGE: Final = "docs/operations.md"

_MODULES: Final = (
    ("controller", controller_metrics),
    ("controller", logs_metrics),
    ("both", kube_metrics),
    ("gateway", gateway_metrics),
)


def replace_metrics(text: str) -> str:
    """Return the page with a fresh table; raises GenerationError."""
    rows = [row for process, module in _MODULES for row in _rows(process, module)]
    return replace_parts(PAGE, text, {"metrics": table(("Metric", "Kind", "Of", "Meaning"), rows)})


def _rows(process: str, module: ModuleType) -> Iterator[tuple[str, str, str, str]]:
    for metric in vars(module).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            (family,) = metric.describe()
            labels = ", ".join(metric._labelnames)  # noqa: SLF001 - there is no public way
            name = f"{family.name}_total" if isinstance(metric, Counter) else family.name
            shown = f"`{name}{{{labels}}}`" if labels else f"`{name}`"
            yield shown, family.type, process, f"{family.documentation.rstrip('.')}."
