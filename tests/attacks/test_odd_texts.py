"""Texts that JSON can write and UTF-8 cannot: half a surrogate pair stops no answer."""

import pytest

from serviceexecution.contract.input.submission import parse_submission
from serviceexecution.contract.problems import InputError


@pytest.mark.parametrize(
    "body",
    [
        b'{"$tags": ["\\ud800"]}',
        b'{"$tags": ["ok", "\\udfff\\ud800"]}',
        b'{"$secrets": {"token": "\\ud800"}}',
        b'{"\\ud800": 1}',
        b'{"pool": {"ref": "DATAPOOL", "id": "\\ud800"}}',
    ],
)
def test_half_a_surrogate_pair_is_refused_where_it_becomes_a_text_of_an_object(body):
    """A tag of that kind was answered with 500, and would have been in the way of the list of its service."""
    with pytest.raises(InputError):
        parse_submission(body)


def test_a_whole_pair_and_values_with_half_of_one_pass():
    """Values are files, and go byte for byte."""
    found = parse_submission(b'{"$tags": ["\\ud83d\\ude00"], "value": "\\ud800"}')
    assert (found.tags, found.properties) == (("\U0001f600",), {"value": '"\\ud800"'})
