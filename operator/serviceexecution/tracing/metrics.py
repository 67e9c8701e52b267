"""Metrics of sent traces."""

from typing import Final

from prometheus_client import Counter

SPANS: Final = Counter(
    "serviceexecution_trace_spans_total",
    "Spans of traces by what became of them: sent, or dropped since too many waited (full), the collector of traces "
    "did not take them (refused), or it did not answer (unanswered)",
    ["outcome"],
)
