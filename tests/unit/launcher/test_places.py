"""Where a function's parameters stand."""

# The test reads its own lines: the bare dict stays as users write it.
# mypy: disable-error-code="type-arg"

import functools
from pathlib import Path
from typing import Any

from serviceexecution.launcher.check.places import Places

SOURCE = Path(__file__).parent


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@decorated
def run(
    data: dict,
    *rest,
    params,
    **more,
) -> None:
    pass


def test_parameters_are_found_by_their_lines() -> None:
    places = Places(SOURCE)
    lines = [int(places.of_parameter(run, name).split(":")[1]) for name in ("data", "rest", "params", "more")]
    assert lines == list(range(lines[0], lines[0] + 4))
    text = Path(__file__).read_text().splitlines()
    assert text[lines[0] - 1].strip() == "data: dict,"
    assert places.of_function(run) == f"test_places.py:{lines[0] - 1}: "


def test_what_is_not_of_the_project_has_no_place() -> None:
    places = Places(SOURCE)
    assert places.of_function(functools.wraps) == ""
    assert places.of_function(dict) == ""
    assert Places(None).of_parameter(run, "data") == ""
