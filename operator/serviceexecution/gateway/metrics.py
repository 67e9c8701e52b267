"""The gateway's Prometheus metrics."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

REQUESTS: Final = Counter(
    "serviceexecution_gateway_requests_total",
    "HTTP requests answered.",
    ["method", "route", "code"],
)
SECONDS: Final = Histogram(
    "serviceexecution_gateway_request_seconds",
    "Time from a request's head to the end of its answer, in seconds.",
    ["method", "route"],
    buckets=(0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600),
)
ACTIVE: Final = Gauge("serviceexecution_gateway_active_requests", "HTTP requests being answered.")
RECEIVED: Final = Counter("serviceexecution_gateway_received_bytes_total", "Bytes of request bodies.")
SENT: Final = Counter("serviceexecution_gateway_sent_bytes_total", "Bytes of response bodies.")
UPLOADS: Final = Counter("serviceexecution_gateway_uploads_total", "Output files stored.")
COMMITS: Final = Counter("serviceexecution_gateway_commits_total", "Manifests written.")
SOURCES: Final = Counter(
    "serviceexecution_gateway_sources_total", "Archives stored that services are built from."
)
