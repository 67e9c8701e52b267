"""``sx receipt``."""

import json

STATUS = {
    "phase": "Succeeded",
    "reason": "Succeeded",
    "exitCode": 0,
    "startTime": "2026-11-24T12:00:02Z",
    "completionTime": "2026-11-24T12:00:12Z",
    "inputDigest": "a" * 64,
    "times": {"started": "2026-11-24T12:00:02Z", "ended": "2026-11-24T12:00:11Z"},
    "usage": {"cpuSeconds": 5.04, "memoryPeakBytes": 2**30, "complete": True},
    "result": {"digest": "b" * 64, "fileCount": 2, "totalBytes": 2048},
}


def test_a_receipt_for_people(sx, cluster):
    cluster.execution("sum", status=STATUS)
    code, out, _ = sx("receipt", "sum")
    assert code == 0
    lines = {line.split(":")[0]: line.partition(":")[2].strip() for line in out.splitlines() if line}
    assert lines["phase"] == "Succeeded Succeeded"
    assert lines["input"] == "sha256:" + "a" * 64
    assert lines["output"] == f"sha256:{'b' * 64} (2 files, 2 KiB)"
    assert (lines["CPU"], lines["memory"], lines["exit code"]) == ("5.04 s", "1 GiB", "0")
    assert lines["running"].split() == ["9", "s", "from", "2026-11-24T12:00:02Z"]


def test_lower_bounds_are_said(sx, cluster):
    cluster.execution("sum", status={**STATUS, "usage": {"cpuSeconds": 5.04, "complete": False}})
    assert "at least 5.04 s" in sx("receipt", "sum")[1]


def test_a_receipt_for_programs(sx, cluster):
    cluster.execution("sum", status=STATUS)
    document = json.loads(sx("receipt", "sum", "-o", "json")[1])
    assert (document["final"], document["usage"]["cpuSeconds"]) == (True, 5.04)


def test_there_is_no_receipt_of_what_is_not_there(sx, cluster):
    code, _, errors = sx("receipt", "nothing")
    assert code == 1
    assert "There is no execution nothing" in errors
