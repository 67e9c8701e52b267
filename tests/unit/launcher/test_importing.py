"""What is said of a program that cannot be imported."""

import os
from pathlib import Path

import pytest

from serviceexecution.launcher.check.importing import import_failure, library_failure
from serviceexecution.launcher.check.places import Places
from serviceexecution.launcher.check.report import Report
from serviceexecution.launcher.entry_point import EntryPointError

MODULE = "user_code.src.program"


def failure(source: Path, code: str) -> Report:
    """Return the report on a program whose import runs ``code``."""
    path = source / "src" / "program.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    try:
        exec(compile(code, str(path), "exec"), {"__name__": MODULE})  # noqa: S102
    except BaseException as error:  # noqa: BLE001
        return import_failure(error, MODULE, source, Places(source))
    raise AssertionError("it was imported")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "user_code"


@pytest.mark.parametrize(
    ("code", "line", "parts"),
    [
        (
            "import not_there.at_all",
            1,
            ["there is no module not_there", "add the package that has not_there"],
        ),
        ("\nfrom json import not_there", 2, ["cannot import name", "the package's version"]),
        ("\n\n1 / 0", 3, ["ZeroDivisionError: division by zero", "move it into run()"]),
        ("import sys\nsys.exit(3)", 2, ["sys.exit(3)", "do that only in run()"]),
        ("def a():\n    raise KeyError('x')\n\na()", 2, ["KeyError: 'x'"]),
        ("raise RuntimeError", 1, ["RuntimeError: no message"]),
        ("open('/not/there')", 1, ["FileNotFoundError"]),
    ],
)
def test_the_sentence_has_place_cause_and_fix(source: Path, code: str, line: int, parts: list[str]) -> None:
    found = failure(source, code)
    assert found.reason == "ImportFailed"
    assert found.message.startswith(f"src/program.py:{line}: Importing {MODULE} ")
    for part in parts:
        assert part in found.message


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("import helpers", "import it as user_code.src.helpers"),
        ("from helpers import x", "import it as user_code.src.helpers"),
        ("import src.helpers", "import it as user_code.src"),
        ("import extras", "import it as user_code.extras"),
    ],
)
def test_files_of_the_project_that_are_imported_by_another_name(source: Path, code: str, fix: str) -> None:
    (source / "src").mkdir(parents=True)
    (source / "src" / "helpers.py").touch()
    (source / "extras").mkdir()
    assert fix in failure(source, code).message


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("import os\nos.environ['SECRET_TOKEN']", "needs the variable SECRET_TOKEN"),
        ("open('/var/runtime/input/data.json')", "needs /var/runtime/input/data.json"),
    ],
)
def test_what_only_a_run_has_fails_no_build(source: Path, code: str, part: str) -> None:
    os.environ.pop("SECRET_TOKEN", None)
    found = failure(source, code)
    assert found.reason == "Succeeded"
    assert part in found.message
    assert "read it in run()" in found.message


def test_a_module_that_is_not_there(source: Path) -> None:
    error = EntryPointError("There is no module x.")
    found = import_failure(error, MODULE, source, Places(source))
    assert found.reason == "EntryPointMissing"
    assert found.message.startswith("There is no src/program.py, ")
    other = import_failure(error, "starter.program", source, Places(source))
    assert other.message.endswith("The project is the package user_code: starter.program is not in it.")


def test_messages_are_one_bounded_line() -> None:
    message = Report("ImportFailed", "a\nb " + "x" * 5000).to_json()["message"]
    assert message.startswith("a b x")
    assert len(message) == 1000


def test_a_library_that_cannot_be_imported() -> None:
    found = library_failure(ImportError("cannot import name 'BaseModel' from 'pydantic'"))
    assert found.reason == "ImportFailed"
    assert "correct its version" in found.message
