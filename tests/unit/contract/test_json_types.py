"""The way into JSON that nobody has checked: what has another shape counts as absent."""

import pytest

from serviceexecution.contract.json_types import (
    JsonObject,
    metadata_of,
    object_at,
    object_of,
    objects_of,
    text_at,
)

BODY: JsonObject = {
    "metadata": {"name": "x", "labels": {"a": "1"}},
    "spec": ["no object"],
    "status": {"count": 1},
}


def test_members_are_found_by_their_path():
    assert metadata_of(BODY) == BODY["metadata"]
    assert object_at(BODY, "metadata", "labels") == {"a": "1"}
    assert object_at(BODY) is BODY
    assert text_at(BODY, "metadata", "labels", "a") == "1"
    assert objects_of([{"a": 1}, None, [], {"b": 2}]) == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize("value", [None, [], [{}], "text", 1, True, 0.5])
def test_another_shape_counts_as_absent(value):
    assert object_of(value) == {}
    assert metadata_of({"metadata": value}) == {}
    assert object_at({"spec": value}, "spec", "a", "b") == {}
    assert text_at({"spec": value}, "spec", "a") == ""


@pytest.mark.parametrize("value", [None, {}, {"a": {}}, "text", 1, ["text", 1, None, [{}]]])
def test_there_are_no_objects_in_anything_but_a_list_of_them(value):
    assert objects_of(value) == []


@pytest.mark.parametrize("value", [None, {}, [], 1, False])
def test_a_text_is_a_text(value):
    assert text_at({"a": value}, "a") == ""
