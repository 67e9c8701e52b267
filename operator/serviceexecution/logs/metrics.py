"""Metrics of the log followers."""

from typing import Final

from prometheus_client import Counter, Gauge

STREAMS: Final = Gauge("serviceexecution_log_streams", "Logs that are followed by an open stream now")
UNFINISHED: Final = Gauge("serviceexecution_logs_unfinished", "Logs that are not yet completely in the store")
BYTES: Final = Counter(
    "serviceexecution_log_bytes_total", "Bytes of log lines received, without repeated ones"
)
RESUMES: Final = Counter(
    "serviceexecution_log_resumes_total",
    "Log streams opened again before the end of the log, by cause",
    ["cause"],
)
COMMITTED: Final = Counter(
    "serviceexecution_logs_committed_total", "Logs committed to the store, by completeness", ["complete"]
)
GAPS: Final = Counter(
    "serviceexecution_log_gaps_total",
    "Logs that were rotated away before they were read, so that lines may be missing",
)
STORE_ERRORS: Final = Counter(
    "serviceexecution_log_store_errors_total", "Failed store operations, each repeated"
)
