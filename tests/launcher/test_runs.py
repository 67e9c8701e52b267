"""Runs beyond the table: both libraries at once, and how long a start takes."""

import statistics
from pathlib import Path
from textwrap import dedent

import pytest

from tests.launcher.conftest import library_python
from tests.support.launcher.case import Case, Expected, ExpectedProblem, faults, project
from tests.support.launcher.cases import LIBRARIES
from tests.support.launcher.process import LauncherProcess, write_project
from tests.support.launcher.starts import measure

START_LIMIT = 100.0
"""Milliseconds that the launcher may add to the library's own start."""


def run_case(
    environment_name: str, launcher: Path, directory: Path, case: Case, library: str = "qhub"
) -> list[str]:
    """Run a case of its own and return what is wrong."""
    written = write_project(directory, project([case], library))
    process = LauncherProcess(library_python(environment_name), launcher, written)
    left = process.run(case, directory / "run")
    found = faults(case, library, exit_code=left.exit_code, files=left.files, log=left.log)
    return [*found, left.log] if found else []


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_library_of_the_types(launcher: Path, tmp_path: Path, library: str) -> None:
    """The other library would take the secret for a missing argument."""
    program = """
        from typing import Optional
        from LIBRARY.commons.secret import SecretValue
        def run(api_token: SecretValue, more: Optional[SecretValue] = None) -> dict:
            return {"length": len(api_token.unwrap())}
        """
    case = Case(
        name="typed",
        program=dedent(program),
        secrets={"api_token": "12345"},
        expected=Expected(json={"output.json": {"length": 5}}),
    )
    assert run_case("both", launcher, tmp_path, case, library) == []


def test_logging_is_set_up_once(launcher: Path, tmp_path: Path) -> None:
    """A logger that the project has set up at its import stays as it is, whichever library runs it."""
    program = """
        import logging
        from planqk.commons.secret import SecretValue
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("mine: %(message)s"))
        mine = logging.getLogger("mine")
        mine.addHandler(handler)
        mine.propagate = False
        def run(data: dict) -> dict:
            mine.warning("a warning")
            logging.getLogger("other").warning("another")
            return {}
        """
    case = Case(
        name="logging",
        program=dedent(program),
        input={"data": {}},
        expected=Expected(json={"output.json": {}}, log=("mine: a warning\n", "- another\n")),
    )
    assert run_case("both", launcher, tmp_path, case) == []


def test_types_of_both_libraries(launcher: Path, tmp_path: Path) -> None:
    program = """
        from planqk.commons.secret import SecretValue
        from qhub.commons.datapool import DataPool
        def run(token: SecretValue, pool: DataPool) -> dict:
            return {}
        """
    problem = ExpectedProblem("LibrariesMixedError", "import SecretValue and DataPool from one of them")
    case = Case(name="mixed", program=dedent(program), expected=Expected(exit_code=1, problem=problem))
    assert run_case("both", launcher, tmp_path, case) == []


def test_a_safe_path_finds_the_project(launcher: Path, tmp_path: Path) -> None:
    case = Case(
        name="safe",
        program="def run() -> dict:\n    return {}\n",
        environment={"PYTHONSAFEPATH": "1"},
        expected=Expected(json={"output.json": {}}),
    )
    assert run_case("qhub-commons", launcher, tmp_path, case) == []


def test_processes_of_the_project(launcher: Path, tmp_path: Path) -> None:
    """Children that are spawned import the program, and do not run it again."""
    program = """
        import multiprocessing
        def double(number):
            return number * 2
        def run() -> dict:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                return {"doubled": pool.map(double, [1, 2])}
        """
    case = Case(
        name="spawn", program=dedent(program), expected=Expected(json={"output.json": {"doubled": [2, 4]}})
    )
    assert run_case("qhub-commons", launcher, tmp_path, case) == []


def test_the_log_names_a_thread_that_the_process_waits_for(launcher: Path, tmp_path: Path) -> None:
    """The result is written, and the process lives on: only the log can say why."""
    program = """
        import threading, time
        def run() -> dict:
            threading.Thread(target=time.sleep, args=(12,), name="forgotten").start()
            return {"done": True}
        """
    said = "the process waits for what runs in its threads: forgotten. End them in run(), or start them with"
    expected = Expected(json={"output.json": {"done": True}}, log=(said,))
    case = Case(name="waits", program=dedent(program), expected=expected)
    assert run_case("qhub-commons", launcher, tmp_path, case) == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_launcher_adds_little_to_a_start(library: str) -> None:
    """Processor time, of which a busy machine takes little more; a round that it disturbs is repeated."""
    added = []
    for _ in range(3):
        launcher, alone = measure(library, 7)
        added.append(statistics.median(launcher.processor) - statistics.median(alone.processor))
        if added[-1] < START_LIMIT:
            return
    pytest.fail(f"The launcher adds {added} ms to the start of {library}-commons.")
