"""The models read what the API server has and write it back the same."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.executions.execution_status import (
    Condition,
    ExecutionStatus,
    JobReference,
    Phase,
    StopReason,
    StopRequest,
)
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.resources.services.definition import ServiceDefinitionSpec
from tests.unit.executions.variants import VARIANTS


def written(model):
    return json.loads(model.model_dump_json(by_alias=True, exclude_none=True))


def spec(**members):
    return ExecutionSpec.model_validate({"runtime": {"docker": {"image": "a:1"}}, **members})


@pytest.mark.parametrize("name", VARIANTS)
def test_a_spec_is_written_as_it_was_read(name):
    given_spec = VARIANTS[name]
    read = ExecutionSpec.model_validate(given_spec)
    text = read.model_dump_json(by_alias=True, exclude_unset=True)
    assert json.loads(text) == given_spec
    assert ExecutionSpec.model_validate_json(text) == read


def test_durations_may_be_bare_numbers_of_seconds():
    read = spec(
        timeout=3600, startTimeout=60, cancelGrace=5, resultRetention=86400, output={"collectTimeout": 60}
    )
    assert (read.timeout, read.start_timeout, read.cancel_grace) == ("3600", "60", "5")
    assert read.result_retention == "86400"
    assert read.output is not None
    assert read.output.collect_timeout == "60"
    definition = ServiceDefinitionSpec.model_validate(
        {
            "runtime": {"docker": {"image": "a:1"}},
            "limits": {"timeout": 600},
            "build": {"timeout": 1800},
        }
    )
    assert definition.limits is not None
    assert definition.build is not None
    assert (definition.limits.timeout, definition.build.timeout) == ("600", "1800")
    with pytest.raises(ValidationError):
        spec(timeout=True)


def test_an_execution_is_read_from_the_api_servers_form():
    body = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "metadata": {
            "name": "sum",
            "namespace": "team",
            "uid": "u",
            "resourceVersion": "7",
            "generation": 2,
            "creationTimestamp": "2026-03-01T12:00:00Z",
            "managedFields": [{"manager": "kubectl"}],
        },
        "spec": {"runtime": {"docker": {"image": "a:1"}}, "fieldOfALaterVersion": True},
        "status": {"phase": "Running", "startTime": "2026-03-01T12:00:05Z", "unknown": 1},
    }
    execution = ServiceExecution.model_validate(body)
    assert execution.reference == ExecutionReference("team", "sum", "u")
    assert execution.status.phase is Phase.RUNNING
    assert execution.status.start_time == datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
    assert execution.metadata.generation == 2


def test_models_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        spec().cancel = True


class TestTimes:
    @settings(max_examples=40, deadline=None)
    @given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
    def test_whole_seconds_in_utc_as_kubernetes_writes_them(self, moment):
        moment = moment.replace(tzinfo=UTC)
        status = ExecutionStatus(start_time=moment)
        text = written(status)["startTime"]
        assert text == moment.replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert ExecutionStatus.model_validate({"startTime": text}).start_time == moment.replace(microsecond=0)

    def test_a_time_of_another_zone_is_the_same_moment(self):
        east = datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
        assert written(ExecutionStatus(start_time=east)) == {
            "startTime": "2026-03-01T12:00:00Z",
            "conditions": [],
        }


class TestStatus:
    full = ExecutionStatus(
        phase=Phase.FAILED,
        reason="Timeout",
        job=JobReference(name="sum-1", uid="u"),
        stop_requested=StopRequest(reason=StopReason.TIMEOUT, time=datetime(2026, 3, 1, tzinfo=UTC)),
        conditions=(
            Condition(
                type="Failed",
                status="True",
                reason="Timeout",
                last_transition_time=datetime(2026, 3, 1, tzinfo=UTC),
                observed_generation=1,
            ),
        ),
    )

    def test_a_status_comes_back_the_same(self):
        assert ExecutionStatus.model_validate(written(self.full)) == self.full

    def test_only_declared_members_are_kept(self):
        read = ExecutionStatus.model_validate({**written(self.full), "foreign": {"a": 1}})
        assert read == self.full
        assert "foreign" not in written(read)

    @pytest.mark.parametrize("phase", Phase)
    def test_which_phases_are_the_end(self, phase):
        assert phase.terminal == (phase.value in {"Succeeded", "Failed", "Cancelled"})

    def test_a_new_one_says_nothing(self):
        assert written(ExecutionStatus()) == {"conditions": []}


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"inputJson": "x" * 262145}, "inputJson"),
        ({"ttlSecondsAfterFinished": -1}, "ttlSecondsAfterFinished"),
        ({"runtime": {"docker": {"image": ""}}}, "image"),
        ({"runtime": {"docker": {"image": "a", "imagePullPolicy": "Sometimes"}}}, "imagePullPolicy"),
        ({"securityContext": {"runAsUser": -1}}, "runAsUser"),
        ({"tags": ["x" * 257]}, "tags"),
        ({"secrets": {f"s{n}": {"secretKeyRef": {"name": "a", "key": "b"}} for n in range(65)}}, "secrets"),
    ],
)
def test_what_the_crd_refuses_the_models_refuse_too(members, named):
    with pytest.raises(ValidationError, match=named):
        spec(**members)


def test_numbers_and_texts_are_quantities():
    limits = spec(resources={"limits": {"nvidia.com/gpu": 1, "memory": "1Gi"}}).resources
    assert limits is not None
    assert limits.limits == {"nvidia.com/gpu": 1, "memory": "1Gi"}
