"""What a run leaves, whatever its library and its program do: exit code, problem, log."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serviceexecution.launcher.run import launch

SECRET = "s3cr3t-token"  # noqa: S105


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "OUTPUT_DIRECTORY": str(tmp_path / "output"),
        "ENTRYPOINT": "program_of_a_test:run",
        "SECRET_API_TOKEN": SECRET,
        "LOGURU_DIAGNOSE": "YES",
    }


def left(environment: dict[str, str]) -> dict[str, object]:
    output = Path(environment["OUTPUT_DIRECTORY"])
    return {path.name: json.loads(path.read_text()) for path in output.iterdir()} if output.is_dir() else {}


def problem(title: str, detail: str) -> dict[str, object]:
    return {"type": "about:blank", "status": 500, "title": title, "detail": detail}


def raising(error: BaseException):
    def function() -> None:
        raise error

    return function


def calls(function: Callable[[], object], code: int = 1) -> Callable[[Any], int]:
    """A library like planqk-commons: it says nothing of what run() raises but an exit code."""

    def main(runtime: Any) -> int:
        try:
            runtime.run_entrypoint(function)
        except Exception:  # noqa: BLE001
            return code
        return 0

    return main


def test_a_success_leaves_nothing_of_ours(environment, library, module, capfd) -> None:
    library("qhub", lambda _: 0)
    module("program_of_a_test", run=lambda: None)
    assert launch(environment) == 0
    assert left(environment) == {}
    assert capfd.readouterr() == ("", "")
    assert environment["LOGURU_DIAGNOSE"] == "NO"


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (ValueError("too large"), 1, problem("ValueError", "too large")),
        (ValueError(f"bad {SECRET}"), 1, problem("ValueError", "bad [redacted]")),
        (
            ExceptionGroup("many", [ExceptionGroup("inner", [ValueError(f"bad {SECRET}")]), OSError()]),
            1,
            problem("ExceptionGroup", "many (2 sub-exceptions); the first is ValueError: bad [redacted]"),
        ),
        (RuntimeError(), 1, problem("RuntimeError", "RuntimeError")),
        (SystemExit(3), 3, problem("SystemExit", "The program ended itself with exit code 3.")),
        (SystemExit(-1), -1, problem("SystemExit", "The program ended itself with exit code -1.")),
        (SystemExit(f"no {SECRET}"), 1, problem("SystemExit", "no [redacted]")),
        (KeyboardInterrupt(), 130, problem("KeyboardInterrupt", "KeyboardInterrupt")),
    ],
)
def test_what_run_raises_becomes_a_problem(  # noqa: PLR0917
    environment, library, module, capfd, error, code, expected
) -> None:
    library("planqk", calls(raising(error)))
    module("program_of_a_test", run=lambda: None)
    assert launch(environment) == code
    assert left(environment) == {"output.json": expected}
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.parametrize("error", [SystemExit(0), SystemExit(None), SystemExit(256)])
def test_an_exit_with_0_is_a_success(environment, library, module, error) -> None:
    library("planqk", calls(raising(error)))
    module("program_of_a_test", run=lambda: None)
    assert launch(environment) % 256 == 0
    assert left(environment) == {}


def test_what_the_library_raises_is_in_the_log(environment, library, module, capfd) -> None:
    def main(_) -> int:
        raise KeyError(f"SECRET_X {SECRET}")

    library("qhub", main)
    module("program_of_a_test", run=lambda: None)
    assert launch(environment) == 1
    assert left(environment) == {"output.json": problem("KeyError", "'SECRET_X [redacted]'")}
    log = capfd.readouterr().err
    assert "Traceback (most recent call last)" in log
    assert "KeyError: 'SECRET_X [redacted]'" in log
    assert "launcher/run.py" not in log


def test_an_exit_code_without_an_error(environment, library, module) -> None:
    library("qhub", lambda _: 5)
    module("program_of_a_test", run=lambda: None)
    assert launch(environment) == 5
    assert left(environment) == {
        "output.json": problem("ProgramFailed", "The program ended with exit code 5; its log says why.")
    }


def test_a_library_that_works_in_another_way(environment, library, module) -> None:
    runtime = library("qhub", lambda _: 1)
    del runtime.run_entrypoint
    module("program_of_a_test", run=lambda: None)
    assert launch(environment) == 1
    assert left(environment)["output.json"]["title"] == "ProgramFailed"


def test_the_librarys_own_problem_stays(environment, library, module) -> None:
    own = {**problem("Too large", "At most 3."), "limit": 3}

    def main(runtime) -> int:
        output = Path(environment["OUTPUT_DIRECTORY"])
        output.mkdir()
        (output / "output.json").write_text(json.dumps(own))
        return calls(raising(ValueError("x")))(runtime)

    library("qhub", main)
    module("program_of_a_test", run=lambda: None)
    assert launch(environment) == 1
    assert left(environment) == {"output.json": own}


def test_a_launch_without_a_library_leaves_a_problem(environment, capfd) -> None:
    assert launch(environment) == 1
    assert left(environment)["output.json"]["title"] == "LibraryMissingError"
    assert "add qhub-commons to requirements.txt" in str(left(environment)["output.json"])


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ("program_of_a_test:start", "has no function start()"),
        ("program_of_a_test:VALUE", "is a value, not a function"),
        ("not_there.at_all:run", "There is no module not_there"),
        ("program_of_a_test", "not of the form module:function"),
        ("a:b:c", "not of the form module:function"),
        ("", "not of the form module:function"),
    ],
)
def test_entry_points_that_are_not_there(environment, library, module, entry, part) -> None:
    library("qhub", lambda _: 0)
    module("program_of_a_test", run=lambda: None, VALUE=5)
    assert launch({**environment, "ENTRYPOINT": entry}) == 1
    found = left(environment)["output.json"]
    assert found["title"] == "EntryPointError"
    assert part in found["detail"]


def test_a_wrong_level_is_said(environment, library, module, capfd) -> None:
    library("qhub", lambda _: 0)
    module("program_of_a_test", run=lambda: None)
    environment["LOG_LEVEL"] = "TRACE"
    assert launch(environment) == 0
    assert environment["LOG_LEVEL"] == "DEBUG"
    line = capfd.readouterr().err
    assert " | WARNING  | serviceexecution.launcher - LOG_LEVEL is 'TRACE'" in line


def test_output_that_cannot_be_written(environment, library, module, tmp_path, capfd) -> None:
    (tmp_path / "output").write_text("a file")
    library("qhub", lambda _: 2)
    module("program_of_a_test", run=lambda: None)
    assert launch(environment) == 2
    assert "The problem could not be written" in capfd.readouterr().err


def test_a_program_that_closes_its_streams(environment, library, module, monkeypatch) -> None:
    library("planqk", calls(raising(SystemExit(2))))
    module("program_of_a_test", run=lambda: None)
    monkeypatch.setattr("sys.stderr", None)
    monkeypatch.setattr("sys.stdout", None)
    assert launch(environment) == 2
    assert left(environment)["output.json"]["title"] == "SystemExit"
