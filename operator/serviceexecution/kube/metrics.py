"""Metrics of the Kubernetes client; no object names in labels, so their number stays bounded."""

from typing import Final

from prometheus_client import Counter, Histogram

REQUESTS: Final = Counter(
    "serviceexecution_kube_requests_total",
    "Requests to the Kubernetes API by verb, resource and HTTP status code (code 0: no answer)",
    ["verb", "resource", "code"],
)
REQUEST_SECONDS: Final = Histogram(
    "serviceexecution_kube_request_seconds",
    "Time to the complete answer of the Kubernetes API; for watch and log, to the start of the stream",
    ["verb"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
THROTTLE_SECONDS: Final = Counter(
    "serviceexecution_kube_throttle_seconds_total",
    "Time that requests waited for the client's own rate limit, or because the API server asked for a pause",
)
REFUSED: Final = Counter(
    "serviceexecution_kube_requests_refused_total",
    "Requests that were not sent to the Kubernetes API because too many of the same caller or namespace waited",
)
