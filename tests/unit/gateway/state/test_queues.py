"""Positions in queues, and when those that wait will start."""

from datetime import UTC, datetime, timedelta

import pytest

from serviceexecution.gateway.state.estimates import LEAST_RUNS, queue_document, start_in_turn
from serviceexecution.gateway.state.execution_index import ExecutionIndex
from serviceexecution.gateway.state.queues import KEPT_RUNS, PastRun

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def text(time):
    return time.isoformat().replace("+00:00", "Z")


class Known:
    """An index, and shorthands for what is in it."""

    def __init__(self):
        self.index = ExecutionIndex()
        self.version = 0

    def put(self, name, *, age=0.0, of="sum", **status):
        self.version += 1
        times = {key: text(value) for key, value in status.items() if isinstance(value, datetime)}
        return self.index.put(
            {
                "metadata": {
                    "name": name,
                    "uid": f"uid-{name}",
                    "namespace": "team-a",
                    "creationTimestamp": text(NOW - timedelta(seconds=age)),
                    "resourceVersion": str(self.version),
                },
                "spec": {"serviceRef": {"name": of}},
                "status": {**status, **times},
            }
        )

    def queued(self, name, age, **more):
        return self.put(name, age=age, phase="Pending", reason="Queued", **more)

    def running(self, name, seconds):
        started = NOW - timedelta(seconds=seconds)
        return self.put(
            name, age=seconds + 1, phase="Running", reason="Running", startTime=started, service={"uid": "u"}
        )

    def ended(self, name, seconds, *, waited=1.0, phase="Succeeded", ago=100.0):
        end = NOW - timedelta(seconds=ago)
        start = end - timedelta(seconds=seconds)
        age = (NOW - start).total_seconds() + waited
        self.put(name, age=age, phase=phase, startTime=start, completionTime=end)

    def queue(self, execution, concurrency=1):
        return queue_document(execution, self.index.queues, concurrency, NOW)


@pytest.fixture
def known():
    return Known()


def test_the_oldest_is_the_next(known):
    second, first = known.queued("b", 20), known.queued("a", 30)
    third = known.put("c", age=10)  # Nobody has looked at it yet
    other = known.queued("d", 40, of="other")
    assert known.queue(first) == {"waitsFor": "concurrency", "position": 1}
    assert known.queue(second)["position"] == 2
    assert known.queue(third) is None
    assert known.queue(other)["position"] == 1
    assert known.queue(known.queued("c", 10))["position"] == 3
    known.running("a", 0)
    assert known.queue(second)["position"] == 1
    known.index.drop("team-a", "b", "uid-b")
    assert known.queue(known.queued("c", 10))["position"] == 1


def test_with_few_runs_nothing_is_estimated(known):
    waits = known.queued("a", 10)
    known.running("r", 5)
    for number in range(LEAST_RUNS - 1):
        known.ended(f"e-{number}", 60)
    known.ended("cancelled", 5, phase="Cancelled")
    known.ended("e-0", 60)  # Told once more
    assert "startsIn" not in known.queue(waits)
    known.ended("last", 60)
    assert known.queue(waits)["startsIn"] == {"seconds": 55, "lower": 55, "upper": 55, "runs": LEAST_RUNS}


def test_the_estimate_has_the_spread_of_the_last_runs(known):
    waits = [known.queued(f"w-{number}", 50 - number) for number in range(3)]
    known.running("r", 40)
    for number, seconds in enumerate((20, 50, 60, 70, 100)):
        known.ended(f"e-{number}", seconds, phase="Failed" if number else "Succeeded")
    assert known.queue(waits[0])["startsIn"] == {"seconds": 20, "lower": 10, "upper": 30, "runs": 5}
    assert known.queue(waits[2])["startsIn"] == {"seconds": 140, "lower": 110, "upper": 170, "runs": 5}


def test_only_the_last_runs_count(known):
    for number in range(KEPT_RUNS):
        known.ended(f"old-{number}", 1000, ago=5000)
    for number in range(KEPT_RUNS):
        known.ended(f"new-{number}", 10)
    assert known.queue(known.queued("a", 1))["startsIn"] == {
        "seconds": 0,
        "lower": 0,
        "upper": 0,
        "runs": KEPT_RUNS,
    }
    assert known.queue(known.queued("b", 0))["startsIn"]["seconds"] == 10


@pytest.mark.parametrize(
    ("status", "what"),
    [
        ({"phase": "Pending", "reason": "QuotaExceeded", "service": {"uid": "u"}}, "quota"),
        ({"phase": "Pending", "reason": "Queued", "service": {"uid": "u"}}, "queue"),
    ],
)
def test_what_others_decide_has_no_position_but_an_estimate_by_how_long_others_waited(known, status, what):
    waits = known.put("a", age=30, **status)
    assert known.queue(waits) == {"waitsFor": what}
    for number, waited in enumerate((20, 90, 100, 110, 120)):
        known.ended(f"e-{number}", 5, waited=waited)
    assert known.queue(waits) == {
        "waitsFor": what,
        "startsIn": {"seconds": 70, "lower": 60, "upper": 80, "runs": 5},
    }


@pytest.mark.parametrize(
    ("position", "places", "running", "starts"),
    [
        (1, 2, [10, 50], 50),
        (2, 2, [10, 50], 90),
        (3, 2, [10, 50], 150),
        (1, 2, [10], 0),
        (1, 1, [10, 50], 90),  # The service had more places before
        (1, 1, [500], 0),
        (100_001, 1, [0], 10_000_100),
    ],
)
def test_places_become_free_in_turn(position, places, running, starts):
    past = [PastRun(NOW, str(number), 100.0, 0.0) for number in range(5)]
    since = [(NOW - timedelta(seconds=seconds), str(seconds)) for seconds in sorted(running, reverse=True)]
    assert start_in_turn(position, places, since, past, NOW).median == starts
