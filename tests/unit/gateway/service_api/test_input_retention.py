"""Inputs that are kept for some time after the end: as long as was said, and not a moment longer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serviceexecution.gateway.service_api.submission.input_retention import (
    InputSweeper,
    is_over,
    retention_seconds,
)
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.kube.kinds import CONFIG_MAPS
from serviceexecution.resources.executions.execution_status import Phase

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LABEL = "serviceexecution.dev/input-retention"


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, None), ("", None), ("0s", 0), ("1h30m", 5400), ("soon", 0)]
)
def test_retention_is_a_duration(text, seconds):
    assert retention_seconds(text) == seconds


@pytest.mark.parametrize(
    ("label", "ended", "over"),
    [
        ("60", NOW - timedelta(seconds=60), True),
        ("60", NOW - timedelta(seconds=59), False),
        ("0", NOW, True),
        ("0", None, False),
        ("-1", NOW, False),
        ("x", NOW, False),
        (None, NOW, False),
        ("9" * 60, NOW, False),
    ],
)
def test_the_time_counts_from_the_end(label, ended, over):
    assert is_over({"labels": {LABEL: label}}, ended, NOW) is over


class Cluster:
    """ConfigMaps with labels."""

    def __init__(self, *items):
        self.items = list(items)
        self.deleted = []

    async def list_pages(self, kind, namespace, *, label_selector, metadata_only):
        assert (kind, label_selector, metadata_only) == (CONFIG_MAPS, LABEL, True)

        class Page:
            items = self.items

        yield Page

    async def delete(self, kind, namespace, name, *, uid):
        assert kind == CONFIG_MAPS
        self.deleted.append((namespace, name, uid))


def item(name, seconds="60", owner=None):
    owners = [{"uid": f"uid-{name}" if owner is None else owner}]
    metadata = {"namespace": "n", "name": name, "uid": f"cm-{name}", "labels": {LABEL: seconds}}
    return {"metadata": {**metadata, "ownerReferences": owners}}


async def test_only_inputs_of_ended_executions_whose_time_is_over_go():
    def find(namespace, name):
        ended = None if name == "running" else NOW - timedelta(seconds=60)
        phase = Phase.RUNNING if name == "running" else Phase.SUCCEEDED
        if name == "unknown":
            return None
        return KnownExecution(namespace, name, f"uid-{name}", 1, "a", NOW, phase=phase, completion_time=ended)

    cluster: Any = Cluster(
        item("over"),
        item("longer", "61"),
        item("running", "0"),
        item("unknown", "0"),
        item("foreign", "0", "other"),
    )
    await InputSweeper(cluster, find).once(NOW)
    assert cluster.deleted == [("n", "over", "cm-over")]
