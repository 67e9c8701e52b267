"""``sx status`` of an execution that waits for others."""

from serviceexecution.cli.queue import queue_text
from serviceexecution.contract.json_types import JsonObject

QUEUE: JsonObject = {"position": 3, "startsIn": {"seconds": 140, "lower": 110, "upper": 170, "runs": 30}}


def test_the_queue_is_one_sentence():
    assert queue_text(QUEUE) == "position 3, starts in about 140 s (110 to 170 s, by the last 30 runs)"
    assert queue_text({"position": 1}) == "position 1"
    assert queue_text({"waitsFor": "quota"}) == queue_text({"startsIn": {"seconds": "x"}}) == ""


def test_status_shows_it(sx, cluster):
    spec = {"serviceRef": {"name": "sum"}}
    cluster.execution("waits", spec=spec, status={"phase": "Pending", "reason": "Queued"})
    cluster.status_members = {"queue": QUEUE}
    out = sx("status", "waits")[1]
    assert "queue:     position 3, starts in about 140 s" in out
    assert cluster.requests("GET", "/services/team-a/sum/")


def test_status_is_shown_where_the_gateway_does_not_answer(sx, cluster):
    cluster.execution(
        "waits", spec={"serviceRef": {"name": "sum"}}, status={"phase": "Pending", "reason": "Queued"}
    )
    cluster.problem = (403, "Forbidden", "no")
    code, out, _ = sx("status", "waits")
    assert code == 0
    assert "Queued" in out
    assert "queue:" not in out


def test_the_gateway_is_not_asked_about_one_that_does_not_wait(sx, cluster):
    cluster.execution(
        "runs", spec={"serviceRef": {"name": "sum"}}, status={"phase": "Running", "reason": "Running"}
    )
    assert sx("status", "runs")[0] == 0
    assert not cluster.requests("GET", "/services/")
