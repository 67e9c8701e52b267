"""Exact texts of values, and how deep they nest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.contract import json_text
from serviceexecution.contract.json_text import MAX_DEPTH, JsonTextError, members, skim

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab"\\[]{}ü\ud800\n'),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('a"\\{}', max_size=3), inner, max_size=4)
    ),
    max_leaves=30,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(one) for one in value.values()), default=0)
    return 1 + max((depth(one) for one in value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.booleans())
def test_the_depth_is_that_of_the_value(value, ascii_only):
    assert json_text._depth(json.dumps(value, ensure_ascii=ascii_only)) == depth(value)


def test_the_depth_of_a_long_text_is_found_in_pieces():
    """Each piece holds the interpreter for a millisecond or two; all at once held it for twenty."""
    long = "[[[[[[[[[{}]]]]]]]]]," * json_text._STEPS_AT_ONCE
    assert json_text._depth(f"[{long}{'[' * 49}{long}{']' * 49}{long}{'[' * 29}{']' * 29}]") == 60


@pytest.mark.parametrize("text", ['["', '["\\"]', "]]]]", "\\[", '"\\', "", "[{]}"])
def test_the_depth_of_what_is_no_json_is_some_number(text):
    assert json_text._depth(text) <= len(text)


@pytest.mark.parametrize("between", ["", "[],", '"[[[",', '"\\\\\\"[",'])
def test_too_deep_is_refused_where_it_is(between):
    text = "[\n" + between * 600 + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "]"
    with pytest.raises(JsonTextError, match=f"deeper than {MAX_DEPTH} levels at line 2, column") as caught:
        skim(text)
    assert caught.value.column == len(between) * 600 + MAX_DEPTH
    assert skim("[\n" + between * 600 + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "]")


def test_members_are_cut_from_the_text():
    text = '{"a": 1.0, "b" :[ 12345678901234567890 ] ,"c":{"x":1e3}}'
    assert [(name, value) for name, value, _ in members(text)] == [
        ("a", "1.0"),
        ("b", "[ 12345678901234567890 ]"),
        ("c", '{"x":1e3}'),
    ]
