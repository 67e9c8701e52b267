"""The page docs/runbooks.md: what to do about each alert."""

import textwrap
from typing import Final

from tools.monitoring.alert import Alert
from tools.monitoring.alerts import ALERTS, PAGE
from tools.pages.markdown import table

RUNBOOKS_PAGE: Final = PAGE
_COLUMNS: Final = 120
_HEAD: Final = """# Runbooks

What each alert of the chart means, and what to do about it. `make generate` writes this page and the rules from
the alerts of `tools/monitoring/`. `monitoring.prometheusRule.enabled` in the chart makes a PrometheusRule of them;
`charts/serviceexecution/files/alerts.yaml` is the same as a file that Prometheus reads. The metrics are in
[operations.md](operations.md#metrics). *critical* means that nothing runs or that something is being lost, and
*warning* that somebody should look today.

Names in the commands are those of an install as `serviceexecution` in the namespace `serviceexecution-system`.
"""


def runbooks() -> str:
    """Return the page."""
    index = table(
        ("Alert", "Severity", "After"),
        [(f"[{alert.name}](#{alert.anchor})", alert.severity, _after(alert)) for alert in ALERTS],
    )
    return "\n".join((_HEAD, index, *(_section(alert) for alert in ALERTS)))


def _section(alert: Alert) -> str:
    steps = "".join(_wrapped(f"{number}. {step}", "   ") for number, step in enumerate(alert.steps, start=1))
    query = f"```promql\n{alert.query}\n```\n"
    return f"## {alert.name}\n\n{_wrapped(alert.meaning, '')}\n{query}\n{steps}"


def _wrapped(text: str, indent: str) -> str:
    lines = textwrap.wrap(
        text, _COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines) + "\n"


def _after(alert: Alert) -> str:
    return "at once" if alert.lasting == "0m" else alert.lasting
