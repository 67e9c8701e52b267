"""Where a problem goes, so that a failure shows and no result is lost."""

import json
import os
from pathlib import Path

import pytest

from serviceexecution.launcher.problem import leave, problem_of

PROBLEM = {"type": "about:blank", "status": 500, "title": "T", "detail": "d"}
OWN = {"type": "x", "status": 400, "title": "Mine", "detail": "said by the program", "more": 1}


def test_into_an_empty_folder(tmp_path: Path) -> None:
    assert leave(PROBLEM, str(tmp_path)) == "output.json"
    assert json.loads((tmp_path / "output.json").read_text()) == PROBLEM


def test_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert leave(PROBLEM, str(tmp_path / "a" / "b")) == "output.json"


@pytest.mark.parametrize("text", ['{"sum": 1}', "[1]", "no JSON", '{"title": "T", "status": 500}', "\0"])
def test_a_result_stays_beside_a_problem(tmp_path: Path, text: str) -> None:
    (tmp_path / "output.json").write_text(text)
    assert leave(PROBLEM, str(tmp_path)) == "problem.json"
    assert (tmp_path / "output.json").read_text() == text
    assert json.loads((tmp_path / "problem.json").read_text()) == PROBLEM


def test_a_problem_stays_alone(tmp_path: Path) -> None:
    (tmp_path / "output.json").write_text(json.dumps(OWN))
    assert leave(PROBLEM, str(tmp_path)) == "output.json"
    assert [path.name for path in tmp_path.iterdir()] == ["output.json"]
    assert json.loads((tmp_path / "output.json").read_text()) == OWN


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "output.json").touch()
    assert leave(PROBLEM, str(tmp_path)) == "output.json"


def test_a_file_named_like_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "output.json").write_text("[]")
    (tmp_path / "problem.json").write_text("a result")
    assert leave(PROBLEM, str(tmp_path)) is None
    assert (tmp_path / "problem.json").read_text() == "a result"


def test_odd_things_in_the_place_of_the_result(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "output.json").mkdir()
    assert leave(PROBLEM, str(tmp_path / "one")) == "problem.json"
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "output.json").symlink_to("/nowhere/at/all")
    assert leave(PROBLEM, str(tmp_path / "two")) == "problem.json"
    (tmp_path / "three").mkdir()
    os.mkfifo(tmp_path / "three" / "output.json")
    assert leave(PROBLEM, str(tmp_path / "three")) == "problem.json"


class BrokenError(Exception):
    def __str__(self) -> str:
        raise TypeError("no text")


def test_an_error_without_a_text() -> None:
    assert problem_of(BrokenError())["detail"] == "BrokenError"


def test_the_library_builds_it_where_it_can(module) -> None:
    class HandlerError(Exception):
        title = "Too large"
        detail = "At most 3."

    built = {**PROBLEM, "limit": 3}
    module("qhub.commons.runtime.error", build_problem_details=lambda _: built)
    assert problem_of(HandlerError()) == built
    built["limit"] = object()
    assert problem_of(HandlerError()) == {**PROBLEM, "title": "Too large", "detail": "At most 3."}
    assert problem_of(ValueError("x")) == {**PROBLEM, "title": "ValueError", "detail": "x"}
