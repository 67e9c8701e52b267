"""An execution that is being deleted, and that somebody else's finalizer holds: it ends as a cancelled one does."""

import pytest

from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import Phase, StopReason
from tests.unit.executions.builders import (
    decided,
    ended,
    execution,
    file,
    job,
    log,
    main_output,
    manifest,
    pod,
    running,
    started_status,
    status,
    waiting,
)

KEPT = {"manifest": manifest(file()), "log": log(), "output": main_output()}


def going(told=None, **members):
    return execution(told, deleted=True, **members)


def test_a_program_that_runs_is_stopped_within_its_grace_and_its_log_is_followed():
    decision = decided(going(started_status()), job=job(), pod=pod(running(), running()), now=20)
    assert decision.stop_pod
    assert decision.follow_log is not None
    assert decision.status.reason == Reason.STOPPING
    assert decision.status.stop_requested is not None
    assert decision.status.stop_requested.reason is StopReason.CANCELLED


def test_its_end_keeps_log_and_output():
    told = decided(going(started_status()), job=job(), pod=pod(running(), running()), now=20).status
    over = pod(ended(143, until=21), ended(until=22))
    decision = decided(going(told), job=job(), pod=over, now=23, **KEPT)
    assert decision.status.phase is Phase.CANCELLED
    assert decision.status.result is not None
    assert decision.status.log is not None
    assert decision.delete_job


@pytest.mark.parametrize("members", [{}, {"job": job(), "pod": pod(waiting(), waiting())}, {"job": job()}])
def test_what_has_not_started_never_starts(members):
    told = status(Phase.PENDING, "Starting")
    decision = decided(going(told), **members)
    assert not decision.create
    assert decision.delete_job or decision.status.phase is Phase.CANCELLED


def test_a_run_that_had_ended_well_is_a_success():
    over = pod(ended(0), ended(until=16))
    assert (
        decided(going(started_status()), job=job(), pod=over, now=17, **KEPT).status.phase is Phase.SUCCEEDED
    )


def test_a_job_that_the_deletion_took_along_was_not_deleted_by_somebody():
    assert decided(going(started_status()), log=log(complete=False)).status.phase is Phase.CANCELLED


def test_after_the_end_it_is_not_deleted_again():
    done = decided(
        execution(started_status()), job=job(), pod=pod(ended(), ended(until=16)), now=17, **KEPT
    ).status
    decision = decided(going(done, ttlSecondsAfterFinished=1), now=10_000)
    assert not decision.delete_execution
    assert decision.wake_after is None
