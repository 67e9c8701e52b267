"""The split of an input: byte for byte, or one sentence."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.contract.input.input_files import (
    INPUT_JSON_LIMIT,
    parse_input_object,
    parse_input_text,
    property_keys,
    split_config_map,
)
from serviceexecution.contract.input.input_text import INPUT_LIMIT
from serviceexecution.contract.input.property_names import MAX_PROPERTY_BYTES
from serviceexecution.contract.json_text import MAX_DEPTH
from serviceexecution.contract.problems import InputError


def split_input_text(text: str | bytes, limit: int = INPUT_JSON_LIMIT) -> dict[str, str]:
    return dict(parse_input_text(text, limit=limit).properties)


def split_input_object(value: Any) -> dict[str, str]:
    return dict(parse_input_object(value).properties)


NUMBERS = st.one_of(
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?\Z"),
    st.sampled_from(["1.0", "1e3", "1E+3", "-0", "12345678901234567890", "0.1000", "9" * 5000]),
)
STRINGS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(json.dumps),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(
        lambda s: json.dumps(s, ensure_ascii=False)
    ),
    st.sampled_from([r'"\u0061\/\b"', r'"\ud83d\ude00"', r'"\ud800"', '"{\\"[}"']),
)
SPACE = st.sampled_from(["", "", " ", "\n", "\t", "\r\n  "])


def _list(items: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(st.lists(items, max_size=3), SPACE).map(
        lambda p: "[" + p[1] + ("," + p[1]).join(p[0]) + p[1] + "]"
    )


def _object(items: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(STRINGS, SPACE, items).map(lambda p: f"{p[0]}{p[1]}:{p[1]}{p[2]}")
    return st.tuples(st.lists(pair, max_size=3), SPACE).map(
        lambda p: "{" + p[1] + ("," + p[1]).join(p[0]) + "}"
    )


VALUES = st.recursive(
    st.one_of(NUMBERS, STRINGS, st.sampled_from(["null", "true", "false"])),
    lambda inner: st.one_of(_list(inner), _object(inner)),
    max_leaves=8,
)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/.\0$"), min_size=1, max_size=12)


def _escaped(name: str) -> str:
    """The name as JSON in which every character is an escape."""
    return '"' + "".join(f"\\u{unit:04x}" for unit in _utf16(name)) + '"'


def _utf16(name: str) -> list[int]:
    raw = name.encode("utf-16-be")
    return [int.from_bytes(raw[i : i + 2]) for i in range(0, len(raw), 2)]


@given(
    st.dictionaries(NAMES, st.tuples(VALUES, SPACE, SPACE, st.booleans()), max_size=5),
    SPACE,
    st.booleans(),
)
def test_every_value_arrives_byte_for_byte(parts, space: str, as_bytes: bool) -> None:
    body = ",".join(
        f"{before}{_escaped(name) if escape else json.dumps(name)}{after}:{before}{value}{after}"
        for name, (value, before, after, escape) in parts.items()
    )
    text = f"{space}{{{body or space}}}{space}"
    split = split_input_text(text.encode() if as_bytes else text)
    assert split == {name: value for name, (value, *_) in parts.items()}
    assert all(value in text for value in split.values())
    assert list(split) == list(parts)


@given(st.text(max_size=30))
def test_any_text_is_split_or_refused(text: str) -> None:
    try:
        split = split_input_text(text)
    except InputError:
        return
    assert isinstance(json.loads(text), dict)
    assert len(split) <= len(json.loads(text))


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, JSON_VALUES, max_size=5))
def test_an_inline_object_keeps_its_values(value) -> None:
    split = split_input_object(value)
    assert {name: json.loads(text) for name, text in split.items()} == value
    assert all(text.encode() for text in split.values())


def test_the_inline_text_is_readable_json() -> None:
    assert split_input_object({"a": {"ü": [1, None]}, "b": "x"}) == {"a": '{"ü": [1, null]}', "b": '"x"'}


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        ("", "spec.inputJson", "not valid JSON"),
        ("[1]", "spec.inputJson", "is a list"),
        ("null", "spec.inputJson", "is null"),
        ('"x"', "spec.inputJson", "is a text"),
        (" 1.5 ", "spec.inputJson", "is a number"),
        ("true", "spec.inputJson", "true or false"),
        ("\ufeff{}", "spec.inputJson", "byte order mark"),
        ("\ufeff{}".encode(), "spec.inputJson", "byte order mark"),
        (b'{"a":"\xff"}', "spec.inputJson", "UTF-8"),
        ('{"a":"\ud800"}', "spec.inputJson", "surrogate"),
        ('{\n  "a": 1,\n}', "spec.inputJson", "line 3, column 1"),
        ("{'a': 1}", "spec.inputJson", "double quotes"),
        ('{"a": 1} x', "spec.inputJson", "line 1, column 10"),
        ('{"a": 1', "spec.inputJson", "','"),
        ('{"a" 1}', "spec.inputJson", "':'"),
        ('{"a": 01}', "spec.inputJson", "not valid JSON"),
        ('{"a": +1}', "spec.inputJson", "not valid JSON"),
        ('{"a": "\x01"}', "spec.inputJson", "control character at line 1"),
        ('{"a": NaN}', "spec.inputJson", "NaN"),
        ('{"a": [1, -Infinity]}', "spec.inputJson", "-Infinity"),
        ('{"a": {"b": }}', "spec.inputJson", "line 1, column 13"),
        ('{"a": 1, "\\u0061": 2}', 'spec.inputJson["a"]', "twice"),
        ('{"$secrets": {"t": "geheim"}}', 'spec.inputJson["$secrets"]', "spec.secrets"),
        ('{"$secret": {"t": "geheim"}}', 'spec.inputJson["$secret"]', "spec.secrets"),
        ('{"$Secrets": {"t": "geheim"}}', 'spec.inputJson["$Secrets"]', "spec.secrets"),
        ('{"": 1}', 'spec.inputJson[""]', "empty"),
        ('{"a/b": 1}', 'spec.inputJson["a/b"]', "'/'"),
        ('{"a\\u0000b": 1}', 'spec.inputJson["a\\u0000b"]', "NUL"),
        ('{".a": 1}', 'spec.inputJson[".a"]', "starts with a dot"),
        ('{"..": 1}', 'spec.inputJson[".."]', "starts with a dot"),
        ('{"a.b": 1}', 'spec.inputJson["a.b"]', 'as "a"'),
        ('{"\\ud800": 1}', 'spec.inputJson["\\ud800"]', "surrogate"),
        ('{"$tags": "x"}', 'spec.inputJson["$tags"]', "list of strings"),
        ('{"$tags": [1]}', 'spec.inputJson["$tags"]', "list of strings"),
    ],
)
def test_refusals_say_where_and_what(text: str | bytes, path: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        split_input_text(text)
    assert caught.value.path == path
    assert says in caught.value.message
    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("value", "path", "says"),
    [
        (None, "spec.input", "is null"),
        ([], "spec.input", "is a list"),
        (True, "spec.input", "true or false"),
        ({"$secrets": {}}, 'spec.input["$secrets"]', "spec.secrets"),
        ({"a.b": 1}, 'spec.input["a.b"]', "dot"),
        ({"a": float("nan")}, 'spec.input["a"]', "number"),
    ],
)
def test_refusals_of_inline_objects(value, path: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        split_input_object(value)
    assert caught.value.path == path
    assert says in caught.value.message


def test_tags_of_an_input_are_no_property() -> None:
    parts = parse_input_text('{"a": 1, "$tags": ["x", "ü"]}')
    assert dict(parts.properties) == {"a": "1"}
    assert parts.tags == ("x", "ü")
    assert parse_input_object({"$tags": ["y"]}).tags == ("y",)


def test_other_names_with_a_dollar_are_properties() -> None:
    assert split_input_text('{"$schema": "x"}') == {"$schema": '"x"'}


def test_names_fill_a_file_name_and_no_more() -> None:
    longest = "ä" * (MAX_PROPERTY_BYTES // 2)
    assert len(f"{longest}.json".encode()) == 255
    assert split_input_text(json.dumps({longest: 1})) == {longest: "1"}
    with pytest.raises(InputError, match="251 bytes"):
        split_input_text(json.dumps({longest + "x": 1}))


def test_a_long_name_makes_no_long_message() -> None:
    with pytest.raises(InputError) as caught:
        split_input_text(json.dumps({"x" * 100_000: 1}))
    assert len(str(caught.value)) < 400


def test_an_input_beyond_the_size_limits_is_refused() -> None:
    fits = '{"a":"' + "x" * (INPUT_JSON_LIMIT - 8) + '"}'
    assert len(fits) == INPUT_JSON_LIMIT
    assert len(split_input_text(fits)["a"]) == INPUT_JSON_LIMIT - 6
    with pytest.raises(InputError, match=r"spec\.inputFrom"):
        split_input_text(fits + " ")
    with pytest.raises(InputError, match="262,145 bytes"):
        split_input_text('{"a":"' + "ä" * (INPUT_JSON_LIMIT // 2 - 4) + 'x"}')
    assert split_input_object({"a": "x" * (INPUT_LIMIT - 3)})
    with pytest.raises(InputError, match="data pool"):
        split_input_object({"a": "x" * (INPUT_LIMIT - 2)})
    assert split_config_map({"a": "1" * (INPUT_LIMIT - 1)})
    with pytest.raises(InputError, match="data pool"):
        split_config_map({"a": "1" * INPUT_LIMIT})


def _nested(levels: int) -> str:
    return '{"a":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


@pytest.mark.parametrize("bomb", [MAX_DEPTH + 1, 1_200, 40_000])
def test_depth_bombs_are_refused(bomb: int) -> None:
    with pytest.raises(InputError, match="deep"):
        split_input_text(_nested(bomb))
    with pytest.raises(InputError, match="deep"):
        split_input_text('{"a":' * bomb + "1" + "}" * bomb)


def test_depth_is_not_counted_inside_strings_or_side_by_side() -> None:
    assert split_input_text(_nested(MAX_DEPTH))
    assert split_input_text(json.dumps({"a": "[" * 5_000 + '"' + "{" * 5_000}))
    assert split_input_text(json.dumps({"a": [[]] * 5_000}))


def test_depth_of_inline_objects() -> None:
    value: dict[str, Any] = {}
    for _ in range(MAX_DEPTH - 1):
        value = {"a": value}
    assert split_input_object(value)
    for _ in range(100_000):
        value = {"a": value}
    with pytest.raises(InputError, match="deep"):
        split_input_object(value)
    while value:  # taken apart by hand: the interpreter would recurse
        value = value["a"]


def test_a_deep_caller_gets_a_refusal_too() -> None:
    def call(levels: int) -> None:
        if levels:
            call(levels - 1)
        else:
            split_input_text(_nested(MAX_DEPTH))

    with pytest.raises(InputError, match="deep"):
        call(650)


def test_config_map_values_stay_as_they_are() -> None:
    assert split_config_map({"data.json": ' {"a": 1.0}\n', "params": "null"}) == {
        "data": ' {"a": 1.0}\n',
        "params": "null",
    }


@pytest.mark.parametrize(
    ("data", "path", "says"),
    [
        ({"a": "hello"}, 'spec.inputFrom.configMapRef["a"]', "double quotes"),
        ({"a": ""}, 'spec.inputFrom.configMapRef["a"]', "not valid JSON"),
        ({"a": "1", "a.json": "2"}, 'spec.inputFrom.configMapRef["a.json"]', "both the property"),
        ({"a.txt": "1"}, 'spec.inputFrom.configMapRef["a.txt"]', "dot"),
        ({".json": "1"}, 'spec.inputFrom.configMapRef[".json"]', "empty"),
        ({"a": "\ufeff1"}, 'spec.inputFrom.configMapRef["a"]', "byte order mark"),
    ],
)
def test_refusals_of_config_maps(data: dict[str, str], path: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        split_config_map(data)
    assert caught.value.path == path
    assert says in caught.value.message


def test_the_largest_input_is_split_quickly() -> None:
    text = json.dumps({f"p{i}": [[1.5, None], {"a": "b"}] for i in range(10_000)})
    started = time.process_time()
    assert len(split_input_text(text, limit=2**21)) == 10_000
    assert time.process_time() - started < 2  # about 0.1 s; a quadratic splitter takes minutes


def test_keys_of_properties_are_found_without_another_look_at_their_values():
    data = {"data.json": "[1]", "b": "no JSON", "k0": "2"}
    assert property_keys(data, names={"k0": "größe"}) == {"data": "data.json", "b": "b", "größe": "k0"}
