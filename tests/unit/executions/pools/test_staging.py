"""What is said while data pools come into the pod, how long that may take, and how it fails."""

import json
from dataclasses import replace

import pytest

from serviceexecution.executions.attempts.rules import has_certainly_not_started
from serviceexecution.executions.pools.staging import is_staging, progress_sentence, staging_seconds
from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.unstarted import unstarted_end
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.resources.pods.observed import PodView
from tests.unit.executions.builders import (
    decided,
    execution,
    job,
    observation,
    plan_of,
    pod,
    status,
    waiting,
)


def line(**facts):
    return json.dumps({"event": "staging data pool", **facts})


def staging_pod(state, **status):
    containers = [{"name": "data-pools", "state": state}]
    metadata = {"name": "p", "namespace": "team", "uid": "u", "creationTimestamp": "2026-03-01T12:00:00Z"}
    return PodView.model_validate(
        {"metadata": metadata, "status": {"initContainerStatuses": containers, **status}}
    )


@pytest.mark.parametrize(
    ("size", "of", "said"),
    [
        (120_000_000, 900_000_000, "120 of 900 MB"),
        (5, 9, "5 of 9 bytes"),
        (0, 0, "0 of 0 bytes"),
        (2_000_000_000, 50_000_000_000, "2 of 50 GB"),
    ],
)
def test_progress_is_a_sentence(size, of, said):
    text = line(pool="x", files=3, ofFiles=10, bytes=size, ofBytes=of)
    assert progress_sentence(text) == f"Staging data pool x: 3 of 10 files, {said}."


def test_the_newest_line_of_progress_counts():
    first = line(pool="x", files=1, ofFiles=2, bytes=1, ofBytes=2)
    last = line(pool="x", files=2, ofFiles=2, bytes=2, ofBytes=2)
    assert "2 of 2 files" in progress_sentence("\n".join([first, last, '{"event":"other"}', "torn {"]))


@pytest.mark.parametrize(
    "text", ["", "x", "[]", line(), line(pool=1, files=1, ofFiles=1, bytes=1, ofBytes=1), "[" * 100_000]
)
def test_what_is_no_progress_says_nothing(text):
    assert progress_sentence(text) == ""


def test_each_4_mib_may_take_a_second():
    assert staging_seconds(1024**3) == 256


def test_a_pod_that_stages():
    assert is_staging(staging_pod({"running": {}}))
    assert not is_staging(staging_pod({"terminated": {"exitCode": 0}}))


@pytest.mark.parametrize(
    ("code", "reason"), [(4, Reason.DATA_POOL_UNAVAILABLE), (5, Reason.DATA_POOL_TOO_LARGE)]
)
def test_its_last_words_are_the_detail(code, reason):
    pod = staging_pod(
        {"terminated": {"exitCode": code, "message": "The file a is damaged.\n"}}, phase="Failed"
    )
    assert unstarted_end(pod, None) == (reason, "The file a is damaged.")


def test_a_pod_that_was_evicted_meanwhile_may_be_tried_again():
    pod = staging_pod({"terminated": {"exitCode": 143}}, phase="Failed", reason="Evicted", message="Disk.")
    found = unstarted_end(pod, None)
    assert found is not None
    assert found[0] is Reason.EVICTED
    assert has_certainly_not_started(observation(job=job(), pod=pod))


def test_one_that_was_killed_again_and_again_is_named():
    pod = staging_pod({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}, phase="Failed")
    found = unstarted_end(pod, None)
    assert found is not None
    assert found[0] is Reason.DATA_POOL_UNAVAILABLE
    assert '"data-pools" used more memory' in found[1]


USED = UsedPool(property="numbers", name="numbers", uid="u", index="ab", files=2, bytes=1024**3)


def test_what_is_staged_is_recorded_before_anything_is_made():
    plan = replace(plan_of(execution()), staged=(USED,))
    first = decided(plan=plan)
    assert not first.create
    assert first.status.data_pools == (USED,)
    assert first.wake_after == 0
    assert decided(execution(first.status), plan=plan).create


def test_progress_is_in_the_message_and_the_start_may_take_longer():
    one = execution(status(Phase.PENDING, "Starting", data_pools=(USED,)))
    pod = staging_pod({"running": {}}, phase="Pending")
    said = decided(one, now=700, job=job(), pod=pod, staging="Staging data pool x: 1 of 2 files, 0 of 1 GB.")
    assert said.status.phase is Phase.PENDING
    assert said.status.message == "The pod is being started. Staging data pool x: 1 of 2 files, 0 of 1 GB."
    late = decided(one, now=600 + staging_seconds(USED.bytes) + 1, job=job(), pod=pod)
    assert late.status.reason == "StartTimeout"


def test_a_volume_that_another_node_has_is_said_and_waited_for():
    words = 'Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node'
    one = execution(status(Phase.PENDING, "Starting"))
    said = decided(one, now=60, job=job(), pod=pod(waiting(), waiting()), warning=words)
    assert said.status.phase is Phase.PENDING
    assert (
        said.status.message
        == f"The pod is being started. It waits for a volume that is in use on another node: {words}"
    )
    other = decided(one, now=60, job=job(), pod=pod(waiting(), waiting()), warning="Back-off")
    assert other.status.message == "The pod is being started."
