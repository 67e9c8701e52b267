"""What all tests share: figures that tests have measured are shown at the end of a run."""

import pytest

from tests.support.figures import FIGURE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures; they travel in reports, which pytest-xdist brings from its workers."""
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, [])]
    for report in reports:
        for name, value in report.user_properties:
            if name == FIGURE and report.when == "call":
                terminalreporter.write_line(f"measured: {value}")
