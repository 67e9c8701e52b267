"""``sx top``: what runs, with the numbers of the metrics API."""

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from serviceexecution.cli.commands import top
from serviceexecution.cli.listing.live_usage import LiveUsage, usage_by_uid
from serviceexecution.resources.names import LABEL_EXECUTION_UID

METRICS = "/apis/metrics.k8s.io/v1beta1/namespaces/team-a/pods"


def pod(uid, cpu, memory, container="main"):
    return {
        "metadata": {"labels": {LABEL_EXECUTION_UID: uid}},
        "containers": [
            {"name": "collector", "usage": {"cpu": "9", "memory": "9Gi"}},
            {"name": container, "usage": {"cpu": cpu, "memory": memory}},
        ],
    }


def ago(seconds):
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


@pytest.fixture
def running(cluster):
    for name, service, seconds in (("a", "plot", 30), ("b", "sum", 300), ("c", "plot", 3)):
        found = cluster.execution(
            name,
            spec={"serviceRef": {"name": service}},
            status={"phase": "Running", "startTime": ago(seconds)},
        )
        found["metadata"]["creationTimestamp"] = ago(seconds + 1)
    cluster.execution("ended", status={"phase": "Succeeded"})
    cluster.answers[METRICS] = (
        200,
        {"items": [pod("uid-a", "250m", "100Mi"), pod("uid-b", "12345678n", "1Gi"), pod("else", "4", "1Gi")]},
    )
    return cluster


def names(answer):
    assert answer[0] == 0, answer
    return [line.split()[0] for line in answer[1].splitlines()[2:]]


def test_it_shows_what_runs_and_what_it_uses(running, sx):
    code, out, err = sx("top")
    assert (code, err) == (0, "")
    first, headings, *rows = out.splitlines()
    assert first == "3 running, 0.26 CPU, 1.1 GiB"
    assert headings.split() == ["ID", "SERVICE", "CPU", "MEMORY", "RUNNING", "AGE"]
    assert rows[0].split()[:5] == ["a", "plot", "0.25", "100", "MiB"]
    assert rows[1].split()[:5] == ["b", "sum", "0.01", "1", "GiB"]
    assert rows[2].split()[:2] == ["c", "plot"]


@pytest.mark.parametrize(
    ("order", "expected"), [("cpu", "abc"), ("memory", "bac"), ("age", "bac"), ("service", "acb")]
)
def test_the_order_is_chosen(running, sx, order, expected):
    assert names(sx("top", "--sort", order)) == list(expected)


def test_one_service_only(running, sx):
    assert names(sx("top", "--service", "sum")) == ["b"]


def test_programs_get_numbers(running, sx):
    found = {one["id"]: one for one in json.loads(sx("top", "-o", "json")[1])}
    assert (found["a"]["cpuCores"], found["a"]["memoryBytes"]) == (0.25, 100 * 2**20)
    assert found["c"]["cpuCores"] is None


@pytest.mark.parametrize(
    ("status", "word"), [(404, "metrics-server"), (403, "role view"), (503, "metrics-server")]
)
def test_without_numbers_it_says_why(running, sx, status, word):
    running.answers[METRICS] = (status, {"kind": "Status", "message": "no"})
    code, out, err = sx("top")
    assert (code, out.splitlines()[0]) == (0, "3 running")
    assert "CPU and memory are unknown" in err
    assert word in err


def test_all_namespaces(running, sx):
    running.answers["/apis/metrics.k8s.io/v1beta1/pods"] = running.answers[METRICS]
    out = sx("top", "-A")[1]
    assert "NAMESPACE" in out
    assert out.splitlines()[2].split()[:2] == ["team-a", "a"]


def test_on_a_terminal_it_looks_again_until_it_is_interrupted(running, sx, monkeypatch):
    seen = []

    def show(look, seconds, *, namespaces):
        seen.append((len(look().rows), seconds, namespaces))
        raise KeyboardInterrupt

    monkeypatch.setattr(top, "_show", show)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert sx("top", "--interval", "2s")[0] == 0
    assert seen == [(3, 2.0, False)]
    assert len(names(sx("top", "--once"))) == 3


def test_the_screen_shows_the_newest_sight(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    views = iter([top.Sight((), ""), top.Sight((), "nobody measures.")])

    def look():
        found = next(views, None)
        if found is None:
            raise KeyboardInterrupt
        return found

    with pytest.raises(KeyboardInterrupt):
        top._show(look, 0.01, namespaces=False)
    assert "CPU and memory are unknown: nobody measures." in capsys.readouterr().out


@pytest.mark.parametrize("usage", [{}, {"cpu": "much", "memory": "1"}, {"cpu": 1, "memory": "1"}])
def test_what_is_no_number_is_left_out(usage):
    found = pod("uid", "1", "1")
    found["containers"][1]["usage"] = usage
    assert usage_by_uid([found, {}]) == {}
    assert usage_by_uid([pod("uid", "1500m", "1Ki")]) == {"uid": LiveUsage(1.5, 1024)}
