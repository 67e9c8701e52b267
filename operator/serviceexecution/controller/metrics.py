"""Metrics of the controller; labels never hold names of executions."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

LEADING: Final = Gauge(
    "serviceexecution_leading", "1 in the controller that works, 0 in those that wait for its Lease"
)
RECONCILE_SECONDS: Final = Histogram(
    "serviceexecution_reconcile_seconds",
    "Time of one pass over one execution, service or data pool",
    ["outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
TRANSITIONS: Final = Counter(
    "serviceexecution_transitions_total", "Executions that entered a phase, by reason", ["phase", "reason"]
)
QUEUE_LENGTH: Final = Gauge("serviceexecution_queue_length", "Executions that wait for a pass")
QUEUE_OLDEST: Final = Gauge(
    "serviceexecution_queue_oldest_seconds",
    "How long the execution that waits or is worked on longest has done so",
)
EXECUTIONS: Final = Gauge("serviceexecution_executions", "Known executions by phase", ["phase"])
RUN_SECONDS: Final = Histogram(
    "serviceexecution_run_seconds",
    "How long programs ran",
    ["phase"],
    buckets=(1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600),
)
SWEPT: Final = Counter(
    "serviceexecution_swept_total", "Executions whose results were deleted because they are gone or expired"
)
SWEEP_REFUSED: Final = Gauge(
    "serviceexecution_sweep_refused", "1 while results are not deleted because too many would go at once"
)
STORE_UNANSWERED: Final = Gauge(
    "serviceexecution_store_unanswered_seconds",
    "How long the results store has answered nothing that the controller asked; 0 while it answers",
)
BUILDS: Final = Gauge("serviceexecution_builds", "Builds that wait or are being built, by phase", ["phase"])
BUILD_TRANSITIONS: Final = Counter(
    "serviceexecution_build_transitions_total", "Builds that entered a phase, by reason", ["phase", "reason"]
)
BUILD_SECONDS: Final = Histogram(
    "serviceexecution_build_seconds",
    "How long builds took from the start of their program",
    ["phase", "builder"],
    buckets=(1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 1800, 3600),
)
SOURCES_SWEPT: Final = Counter(
    "serviceexecution_sources_swept_total", "Archives that were deleted because no service is built from them"
)
POOL_OBJECTS_SWEPT: Final = Counter(
    "serviceexecution_data_pool_objects_swept_total",
    "Objects in the store that were deleted because no data pool uses them",
)
UNREADABLE: Final = Counter(
    "serviceexecution_unreadable_objects_total",
    "Times that a Job or pod was delivered which cannot be read, and was passed over",
    ["kind"],
)
NAMESPACES_REFUSED: Final = Gauge(
    "serviceexecution_namespaces_refused", "Watched namespaces that the controller has no right to read"
)
