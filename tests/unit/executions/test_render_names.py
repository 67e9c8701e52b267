"""Names of children are legal, unique per execution and the same for ever."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.executions.names import input_name, job_name, labels
from serviceexecution.executions.render.merge import merge
from serviceexecution.resources.reference import ExecutionReference
from tests.unit.executions.builders import REFERENCE, UID

subdomain = st.from_regex(
    r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?){0,4}", fullmatch=True
)


@settings(max_examples=40, deadline=None)
@given(subdomain, st.integers(min_value=1, max_value=99))
def test_names_are_labels_whatever_the_execution_is_called(name, attempt):
    reference = ExecutionReference("team", name[:253], UID)
    for child in (job_name(reference, attempt), input_name(reference)):
        assert len(child) <= 63
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", child), child
    for value in labels(reference, attempt).values():
        assert re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", str(value)), value


def test_a_name_does_not_change():
    assert job_name(REFERENCE, 1) == "sum-0a1b2c3d-1"
    assert input_name(REFERENCE) == "sum-0a1b2c3d-input"


def test_the_same_name_later_gives_other_children():
    later = ExecutionReference("team", "sum", "ffffffff-0000-4000-8000-000000000001")
    assert job_name(later, 1) != job_name(REFERENCE, 1)


@pytest.mark.parametrize(
    ("base", "patch", "merged"),
    [
        ({"a": 1}, {"a": None}, {}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
        (
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]},
            {"env": [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]},
        ),
        (
            {"volumes": [{"name": "tmp", "emptyDir": {}}]},
            {"volumes": [{"name": "tmp", "emptyDir": None, "hostPath": {"path": "/x"}}]},
            {"volumes": [{"name": "tmp", "hostPath": {"path": "/x"}}]},
        ),
        ({}, {"new": {"x": 1}}, {"new": {"x": 1}}),
    ],
)
def test_lists_are_merged_by_names(base, patch, merged):
    assert merge(base, patch) == merged


def test_merging_changes_neither_side():
    base: JsonObject = {"a": {"b": [1]}}
    patch: JsonObject = {"a": {"c": 2}}
    merge(base, patch)
    assert (base, patch) == ({"a": {"b": [1]}}, {"a": {"c": 2}})
