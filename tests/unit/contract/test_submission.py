"""The body of a POST: exact values, secrets apart, grants dropped, clear refusals that hold no value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.contract.input.submission import InputTooLargeError, input_text, parse_submission
from serviceexecution.contract.problems import InputError

POOL = b'{"id": "dp-abc123", "ref": "DATAPOOL", "grant": "header.claims.signature"}'


@pytest.mark.parametrize(
    "body", [b"", b"  \r\n", b"{}", b'{"$secrets": null}', b'{"$secrets": {}, "$tags": []}']
)
def test_an_empty_body_is_an_empty_input(body):
    found = parse_submission(body)
    assert (found.properties, found.secrets, found.tags) == ({}, {}, ())


def test_values_stay_byte_for_byte():
    values = {
        "a": "1.0",
        "b": "12345678901234567890",
        "c": '"\\u00e9"',
        "d": "[ 1,\n2 ]",
        "e": "null",
        "f": "1e3",
    }
    body = "{ " + " , ".join(f'"{name}" : {text}' for name, text in values.items()) + " }"
    assert parse_submission(body.encode()).properties == values


def test_secrets_and_tags_are_no_properties():
    body = b'{"data": 1, "$secrets": {"apiToken": "s\\u00e9cret"}, "$tags": ["a", "b"]}'
    found = parse_submission(body)
    assert found.properties == {"data": "1"}
    assert found.secrets == {"apiToken": "sécret"}
    assert found.tags == ("a", "b")
    assert "cret" not in repr(found).replace("SecretValues", "").replace("secrets", "")


def test_a_data_pool_loses_its_grant():
    found = parse_submission(b'{"pool": ' + POOL + b"}")
    assert json.loads(found.properties["pool"]) == {"id": "dp-abc123", "ref": "DATAPOOL"}
    assert "signature" not in str(found.properties)


@pytest.mark.parametrize(
    ("body", "path", "part"),
    [
        (b"[1]", "$", "must be a JSON object"),
        (b"{", "$", "not valid JSON"),
        (b'{"a": NaN}', "$", "NaN"),
        (b'{"a": 1, "a": 2}', '$["a"]', "twice"),
        (b'\xef\xbb\xbf{"a": 1}', "$", "byte order mark"),
        (b"\xff", "$", "UTF-8"),
        (b'{"a/b": 1}', '$["a/b"]', "'/'"),
        (b'{"$secret": {"a": "tops3cret"}}', '$["$secret"]', "secrets"),
        (b'{"$secrets": ["tops3cret"]}', '$["$secrets"]', "object of texts"),
        (b'{"$secrets": {"a": 5}}', '$["$secrets"]["a"]', "must be a text"),
        (
            b'{"$secrets": {"apiToken": "tops3cret", "api_token": "x"}}',
            '$["$secrets"]["api_token"]',
            "both become",
        ),
        (b'{"$secrets": {"a b": "tops3cret"}}', '$["$secrets"]["a b"]', "no legal name"),
        (b'{"$secrets": {"a": "tops3cret\\u0000"}}', '$["$secrets"]["a"]', "NUL"),
        (b'{"$tags": "x"}', '$["$tags"]', "list of strings"),
        (b'{"$tags": ["' + b"x" * 257 + b'"]}', '$["$tags"]', "longer than 256"),
        (b'{"p": {"ref": "DATAPOOL"}}', '$["p"].id', "needs an"),
        (b'{"a": ' + b"[" * 600 + b"]" * 600 + b"}", "$", "nested deeper"),
    ],
)
def test_what_is_wrong_is_named_and_no_value_is_told(body, path, part):
    with pytest.raises(InputError) as caught:
        parse_submission(body)
    assert caught.value.path == path
    assert part in caught.value.message
    assert "tops3cret" not in str(caught.value)


def test_the_limit_is_in_the_text():
    assert parse_submission(b'{"a": "' + b"x" * 991_000 + b'"}').properties
    with pytest.raises(InputTooLargeError, match="1,000,000 bytes"):
        parse_submission(b" " * 1_000_001)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="./\0$"), min_size=1, max_size=8)


@given(st.dictionaries(NAMES, JSON, max_size=5))
def test_the_properties_make_the_object_again(value):
    try:
        found = parse_submission(json.dumps(value).encode())
    except InputError:
        return  # such as a property that looks like a data pool without an id
    assert json.loads(input_text(found.properties)) == value
