"""The chart's alert rules, as the `spec` of a PrometheusRule and as a file that Prometheus reads."""

from typing import Final

import yaml

from tools.monitoring.alert import Alert
from tools.monitoring.alerts import ALERTS, PAGE

RULES_FILE: Final = "files/alerts.yaml"
"""In the chart."""

_HEADER: Final = (
    "# A file of rules as Prometheus reads it, written by `make generate` from tools/monitoring/.\n"
)


def rules_file() -> str:
    """Return the text of the file."""
    group = {"name": "serviceexecution", "rules": [_rule(alert) for alert in ALERTS]}
    return _HEADER + yaml.safe_dump({"groups": [group]}, sort_keys=False, width=1000)


def _rule(alert: Alert) -> dict[str, object]:
    return {
        "alert": alert.name,
        "expr": alert.query,
        "for": alert.lasting,
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "description": alert.meaning,
            "runbook_url": f"{PAGE}#{alert.anchor}",
        },
    }
