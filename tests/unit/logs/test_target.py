"""Whether the last line that there is is the last one that we have."""

import pytest

from serviceexecution.logs.lines import MAX_LINE_BYTES
from serviceexecution.logs.pod_state import ContainerState, container_state
from serviceexecution.logs.target import LogEnd, compare_end
from serviceexecution.resources.pods.observed import PodView
from tests.unit.logs.fake_kubelet import line

LONG = line(5, text=b"q" * 40_000 + b"end")


@pytest.mark.parametrize(
    ("newest", "known", "end"),
    [
        (line(5), line(5), LogEnd.KNOWN),
        (b"", b"", LogEnd.KNOWN),
        (line(6), line(5), LogEnd.MORE),
        (line(6), b"", LogEnd.MORE),
        (b"", line(5), LogEnd.UNSURE),
        (line(4), line(5), LogEnd.UNSURE),
        (b"unable to retrieve container logs", line(5), LogEnd.UNSURE),
        (line(6, text=LONG[-20_000:]), LONG, LogEnd.KNOWN),
        (line(6, text=LONG[-3:]), LONG, LogEnd.MORE),
        (line(6, text=b"z" * 9000), line(5, text=b"z" * MAX_LINE_BYTES + b"x"), LogEnd.UNSURE),
    ],
)
def test_the_end_of_a_log_is_recognised(newest, known, end):
    assert compare_end(newest, known) is end


ENDED = {"terminated": {"exitCode": 1}}


def pod(state=None, *, phase="Running", uid="u", name="main"):
    """Return a pod whose collector has ended; with no ``state`` nothing is said of its containers."""
    statuses = (
        [] if state is None else [{"name": "collector", "state": ENDED}, {"name": name, "state": state}]
    )
    metadata = {"name": "p", "namespace": "n", "uid": uid, "creationTimestamp": "2026-07-01T09:00:00Z"}
    return PodView.model_validate(
        {"metadata": metadata, "status": {"phase": phase, "containerStatuses": statuses}}
    )


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, ContainerState.GONE),
        (pod({"running": {}}, uid="other"), ContainerState.GONE),
        (pod({"running": {}}), ContainerState.RUNNING),
        (pod({"waiting": {}}), ContainerState.RUNNING),
        (pod({"running": {"startedAt": None}}), ContainerState.RUNNING),
        (pod(ENDED), ContainerState.ENDED),
        (pod(ENDED, name="x"), ContainerState.RUNNING),
        (pod({"waiting": {}}, phase="Failed"), ContainerState.NEVER_RAN),
        (pod(phase="Failed"), ContainerState.NEVER_RAN),
        (pod(), ContainerState.RUNNING),
    ],
)
def test_the_state_of_a_container_is_read(found, state):
    assert container_state(found, "u", "main") is state
