"""What is read of pods, as kubelets of every kind write them."""

import pytest

from serviceexecution.resources.pods.observed import PodView

METADATA = {"name": "p", "namespace": "n", "uid": "u", "creationTimestamp": "2026-07-01T09:00:00Z"}


def pod(running, **status):
    container = {"name": "main", "state": {"running": running}}
    return PodView.model_validate(
        {"metadata": METADATA, "status": {"containerStatuses": [container], **status}}
    )


@pytest.mark.parametrize("running", [{}, {"startedAt": None}])
def test_a_container_of_a_virtual_kubelet_runs_since_its_pod_started(running):
    started = pod(running, startTime="2026-07-01T09:00:05Z").main.running
    assert started is not None
    assert started.started_at.isoformat() == "2026-07-01T09:00:05+00:00"


def test_a_container_without_any_start_runs_since_its_pod_was_created():
    started = pod({"startedAt": None}).main.running
    assert started is not None
    assert started.started_at == PodView.model_validate({"metadata": METADATA}).metadata.creation_timestamp


def test_a_container_that_says_its_start_is_believed():
    started = pod({"startedAt": "2026-07-01T09:00:09Z"}, startTime="2026-07-01T09:00:05Z").main.running
    assert started is not None
    assert started.started_at.second == 9
