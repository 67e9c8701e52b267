"""Merge patches between statuses: applied, they give the new one; for nothing new they are empty."""

from hypothesis import given, settings
from hypothesis import strategies as st

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase
from serviceexecution.resources.status_patch import merge_patch, status_patch
from tests.unit.executions.builders import at, recorded_job, started_status, status

leaves = st.one_of(st.booleans(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=2))
keys = st.sampled_from("abc")
objects = st.dictionaries(
    keys, st.one_of(leaves, st.dictionaries(keys, st.one_of(leaves, st.dictionaries(keys, leaves))))
)


def apply(target: JsonObject, patch: JsonObject) -> JsonObject:
    """Apply a patch as RFC 7386 says, as the API server does."""
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            before = result.get(key)
            result[key] = apply(before if isinstance(before, dict) else {}, value)
        else:
            result[key] = value
    return result


@settings(max_examples=50, deadline=None)
@given(objects, objects)
def test_a_patch_makes_the_old_one_new(old, new):
    assert apply(old, merge_patch(old, new)) == new


@settings(max_examples=50, deadline=None)
@given(objects)
def test_nothing_new_is_an_empty_patch(value):
    assert merge_patch(value, value) == {}


def test_only_what_changed_is_in_the_patch():
    old = status(Phase.PENDING, "Starting", job=recorded_job(), attempts=1)
    new = old.model_copy(update={"exit_code": 3})
    assert status_patch(old, new) == {"exitCode": 3}


def test_what_goes_becomes_null():
    old = status(Phase.PENDING, "Starting", attempts=1)
    assert status_patch(old, old.model_copy(update={"attempts": None})) == {"attempts": None}


def test_fractions_of_a_second_are_no_change():
    old = status(start_time=at(1))
    assert status_patch(old, old.model_copy(update={"start_time": at(1.7)})) == {}


def test_a_status_read_back_is_no_change():
    new = started_status()
    written = ExecutionStatus.model_validate(apply({}, status_patch(ExecutionStatus(), new)))
    assert status_patch(written, new) == {}
