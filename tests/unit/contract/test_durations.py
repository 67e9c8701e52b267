"""Durations."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.contract.durations import (
    DURATION_PATTERN,
    MAX_DURATION_SECONDS,
    DurationError,
    format_duration,
    parse_duration,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h30m", 5400),
        ("90s", 90),
        ("500ms", 0.5),
        ("1m1ms", 60.001),
        ("1h0m0s", 3600),
        ("0s", 0),
        ("0", 0),
        ("3600", 3600),
        (3600, 3600),
        ("604800s", 604_800),
        ("2h45m30s500ms", 9930.5),
    ],
)
def test_durations_are_read_as_seconds(text: str | int, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1d",
        "1.5h",
        "-1s",
        "+1s",
        "1h 30m",
        "h",
        "1H",
        "s1",
        "1us",
        "٣s",
        "1s\n",
        "1m1m1m1m1m",
        1.5,
        None,
        True,
        -1,
    ],
)
def test_refusals_name_the_field_and_the_form(text) -> None:
    with pytest.raises(DurationError, match=r"spec\.timeout must be a duration such as 1h30m"):
        parse_duration(text, field="spec.timeout")


@pytest.mark.parametrize("text", [f"{MAX_DURATION_SECONDS + 1}s", "999999999h"])
def test_a_duration_that_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(DurationError, match=r"spec\.timeout"):
        parse_duration(text, field="spec.timeout")


@given(st.integers(0, MAX_DURATION_SECONDS * 1000))
def test_formatted_durations_read_back(milliseconds: int) -> None:
    text = format_duration(milliseconds / 1000)
    assert re.search(DURATION_PATTERN, text)
    assert round(parse_duration(text) * 1000) == milliseconds


def test_durations_are_written_shortly() -> None:
    assert [format_duration(s) for s in (0, 0.5, 90, 5400, 3601.25)] == [
        "0s",
        "500ms",
        "1m30s",
        "1h30m",
        "1h1s250ms",
    ]
