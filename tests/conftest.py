"""What all tests share: figures that tests have measured are shown at the end of a run.

The folders are tiers, from what runs anywhere to what needs pods: ``unit``, ``attacks``, ``processes`` and ``launcher``
(programs as processes), ``chart`` (Helm), ``cluster`` and ``embedded`` (a real API server), ``e2e`` and ``sdk`` (the
installed operator). Tests without a cluster share one API server in memory, ``support/api_server``.
"""

from pathlib import Path

import pytest

from tests.support.figures import FIGURE

_HERE = Path(__file__).parent
_ON_THE_CLUSTER = (_HERE / "e2e", _HERE / "sdk")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what needs no shared cluster; meanwhile one worker has it for the tests marked ``alone``."""
    items.sort(key=lambda item: any(item.path.is_relative_to(folder) for folder in _ON_THE_CLUSTER))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures; they travel in reports, which pytest-xdist brings from its workers."""
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, [])]
    for report in reports:
        for name, value in report.user_properties:
            if name == FIGURE and report.when == "call":
                terminalreporter.write_line(f"measured: {value}")
