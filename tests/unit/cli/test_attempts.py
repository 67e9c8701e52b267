"""What ``sx`` shows of executions that were tried again."""

import json

from serviceexecution.cli.summaries import execution_summary
from serviceexecution.contract.json_types import JsonObject, JsonValue

ATTEMPT: JsonObject = {
    "attempt": 1,
    "reason": "OutOfMemory",
    "message": "The program used more memory than its limit and was killed.",
    "exitCode": 137,
    "memoryLimit": "512Mi",
    "pod": {"name": "p", "uid": "u", "node": "node-1"},
    "startTime": "2026-11-24T12:00:00Z",
    "endTime": "2026-11-24T12:01:05Z",
}


def test_a_summary_has_the_attempts_before():
    (one,) = execution_summary(
        {"metadata": {"name": "sum"}, "status": {"earlierAttempts": [ATTEMPT]}}
    ).attempts
    assert (one.number, one.reason, one.exit_code, one.memory) == (1, "OutOfMemory", "137", "512Mi")
    assert one.node == "node-1"
    assert one.document == ATTEMPT


def test_a_status_that_is_none_of_ours_has_no_attempts():
    odds: list[JsonValue] = [None, {}, "x", [None, 3]]
    for odd in odds:
        assert execution_summary({"status": {"earlierAttempts": odd}}).attempts == ()


def test_status_shows_the_attempts_before(sx, cluster):
    _tried(cluster)
    code, out, _ = sx("status", "sum")
    assert code == 0
    head, row = out.splitlines()[-2:]
    assert head.split() == ["ATTEMPT", "REASON", "EXIT", "NODE", "DURATION", "MEMORY"]
    assert row.split() == ["1", "OutOfMemory", "137", "node-1", "65s", "512Mi"]
    document = json.loads(sx("status", "sum", "--output", "json")[1])
    assert document["earlierAttempts"] == [ATTEMPT]


def test_logs_of_an_attempt_are_asked_for(sx, cluster):
    _tried(cluster)
    assert sx("logs", "sum", "--attempt", "1")[:2] == (0, "hello\n")
    assert cluster.requests("GET", "/log?attempt=1")
    sx("logs", "sum", "--attempt", "1", "--follow")
    assert cluster.requests("GET", "/log?follow=true&attempt=1")
    assert sx("logs", "sum", "--attempt", "0")[0] == 2


def _tried(cluster):
    cluster.execution(
        "sum",
        status={"phase": "Running", "reason": "Running", "attempts": 2, "earlierAttempts": [ATTEMPT]},
    )
    cluster.logs["sum"] = ["hello"]
