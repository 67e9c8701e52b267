"""The table of metrics in docs/operations.md, from the modules that define them."""

from typing import Final

from tools.metrics import Metric, metrics
from tools.pages.markdown import replace_parts, table

PAGE: Final = "docs/operations.md"


def replace_metrics(text: str) -> str:
    """Return the page with a fresh table; raises GenerationError."""
    rows = [(_shown(metric), metric.kind, metric.process, metric.meaning) for metric in metrics()]
    return replace_parts(PAGE, text, {"metrics": table(("Metric", "Kind", "Of", "Meaning"), rows)})


def _shown(metric: Metric) -> str:
    labels = f"{{{', '.join(metric.labels)}}}" if metric.labels else ""
    return f"`{metric.name}{labels}`"
