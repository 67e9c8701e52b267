"""Levels that end the libraries at their start."""

import logging

import pytest

from serviceexecution.launcher.log_level import LEVELS, correct, nearest


@pytest.mark.parametrize("level", [*LEVELS, "info", "Debug", None])
def test_what_the_libraries_take_stays(level: str | None) -> None:
    environment = {} if level is None else {"LOG_LEVEL": level}
    before = dict(environment)
    assert correct(environment) is None
    assert environment == before


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("", "INFO"),
        (" info ", "INFO"),
        ("TRACE", "DEBUG"),
        ("warn", "WARNING"),
        ("NOTICE", "INFO"),
        ("fatal", "CRITICAL"),
        ("SUCCESS", "INFO"),
        ("0", "DEBUG"),
        ("10", "DEBUG"),
        ("34", "WARNING"),
        ("99999", "CRITICAL"),
        ("٣٠", "INFO"),
        ("whatever", "INFO"),
    ],
)
def test_others_become_the_nearest(given: str, used: str) -> None:
    environment = {"LOG_LEVEL": given}
    said = correct(environment)
    assert environment == {"LOG_LEVEL": used}
    assert said is not None
    assert said.endswith(f": {used} is used.")


def test_the_numbers_are_those_of_logging() -> None:
    assert all(logging.getLevelName(level) == number for level, number in LEVELS.items())
    assert all(nearest(str(number)) == level for level, number in LEVELS.items())
