"""What is worth waking somebody for: all alerts, in the order of the page."""

from typing import Final

from tools.monitoring import alerts_of_processes, alerts_of_requests, alerts_of_results, alerts_of_runs

PAGE: Final = "docs/runbooks.md"
"""The page with a section for each alert."""

ALERTS: Final = (
    *alerts_of_processes.ALERTS,
    *alerts_of_results.ALERTS,
    *alerts_of_runs.ALERTS,
    *alerts_of_requests.ALERTS,
)
