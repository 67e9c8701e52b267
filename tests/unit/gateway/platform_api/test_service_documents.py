"""What the platform's API counts of a service's executions."""

from datetime import UTC, datetime

import pytest

from serviceexecution.gateway.platform_api.services.documents import statistics
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.store.usage.sums import MonthlyUsage


def created(text):
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return KnownExecution(namespace="n", name="e", uid="u", version=1, service="s", created=moment)


@pytest.mark.parametrize(
    ("now", "times", "counts"),
    [
        ("2026-01-15", ["2026-01-01", "2025-12-31", "2025-10-01", "2025-09-30"], (4, 1, 1, 3)),
        ("2026-03-31", ["2026-02-28", "2026-03-01", "2025-12-01", "2025-11-30"], (4, 1, 1, 3)),
    ],
)
def test_months_are_counted_over_the_turn_of_a_year(now, times, counts):
    found = statistics([created(one) for one in times], (), created(now).created)["managedServiceExecutions"]
    assert tuple(found.values()) == counts


def test_executions_that_were_deleted_still_count():
    kept = [MonthlyUsage("2026-03", executions=7), MonthlyUsage("2025-12", executions=2)]
    found = statistics([created("2026-03-30")], kept, created("2026-03-31").created)[
        "managedServiceExecutions"
    ]
    assert tuple(found.values()) == (10, 7, 0, 9)
