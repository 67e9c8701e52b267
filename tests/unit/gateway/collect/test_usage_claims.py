"""What a pod may claim to have used: within bounds, or nothing."""

import json
from typing import Any

import pytest

from serviceexecution.gateway.collect.commit_reader import CommitReader
from serviceexecution.gateway.collect.usage_claims import MAX_POINTS, usage_claim

GOOD: Any = {
    "cpuSeconds": 5.04,
    "memoryPeakBytes": 318484480,
    "readBytes": 0,
    "writtenBytes": 7,
    "complete": True,
    "gaps": 1,
    "gapSeconds": 2.5,
    "cpuLimit": 1.5,
    "memoryLimit": 1 << 30,
    "startedAt": 1795883101018,
    "points": [[1795883101118, 0.1, 4096], [1795883101218, 0.2, 8192]],
}


def test_a_claim_is_taken():
    claim = usage_claim(GOOD)
    assert claim.sums.model_dump(by_alias=True) == {
        name: GOOD[name]
        for name in (
            "cpuSeconds",
            "memoryPeakBytes",
            "readBytes",
            "writtenBytes",
            "complete",
            "gaps",
            "gapSeconds",
        )
    }
    assert (claim.started_at, claim.cpu_limit, claim.memory_limit) == (1795883101018, 1.5, 1 << 30)
    assert [tuple(point.model_dump().values()) for point in claim.points] == [
        tuple(one) for one in GOOD["points"]
    ]


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"complete": True, "gaps": 3}, {"cpuSeconds": "1"}])
def test_a_claim_without_numbers_is_none(value):
    assert usage_claim(value) is None


@pytest.mark.parametrize(
    "value", [-1, 1e300, float("nan"), float("inf"), True, "1", None, [], 10**400, -(10**30)]
)
@pytest.mark.parametrize(
    "name", ["cpuSeconds", "memoryPeakBytes", "readBytes", "writtenBytes", "cpuLimit", "memoryLimit"]
)
def test_a_number_that_cannot_be_true_is_left_out(name, value):
    claim = usage_claim(GOOD | {name: value})
    limits = {"cpuLimit": claim.cpu_limit, "memoryLimit": claim.memory_limit}
    assert {**claim.sums.model_dump(by_alias=True), **limits}[name] is None


@pytest.mark.parametrize(
    "points",
    [
        [[1, 1, 1]] * (MAX_POINTS + 1),
        [[2, 1, 1], [1, 2, 1]],
        [[1, 2, 1], [2, 1, 1]],
        [[1, 1]],
        [[1, 1, 1, 1]],
        [[1, float("nan"), 1]],
        [["1", 1, 1]],
        [[1, 1, -1]],
        "x",
        {"0": [1, 1, 1]},
    ],
)
def test_points_that_cannot_be_true_are_left_out(points):
    claim = usage_claim(GOOD | {"points": points})
    assert claim.points == ()
    assert claim.sums.cpu_seconds == 5.04


@pytest.mark.parametrize("usage", ["null", "1", '"x"', "[]", '{"cpuSeconds":1e999}', '{"points":[[[[[]]]]]}'])
def test_no_output_is_refused_for_its_usage(usage):
    reader = CommitReader()
    reader.feed(f'{{"files":[],"skipped":[],"limitExceeded":false,"usage":{usage}}}'.encode())
    assert reader.end().usage is None


def test_usage_is_read_with_the_commit():
    reader = CommitReader()
    for byte in json.dumps({"files": [], "usage": GOOD}).encode():
        reader.feed(bytes([byte]))
    assert reader.end().usage == usage_claim(GOOD)
