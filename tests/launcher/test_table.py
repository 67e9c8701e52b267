"""Each kind of argument, of return value and of failure, with both libraries, as processes."""

from pathlib import Path

import pytest

from tests.launcher.conftest import library_python
from tests.support.launcher.cases import LIBRARIES, TABLE, Case, cases_of, faults, project
from tests.support.launcher.process import LauncherProcess, write_project

_ROWS = [
    pytest.param(case, library, id=f"{library}-{case.name}")
    for library in LIBRARIES
    for case in TABLE
    if library in case.libraries
]


@pytest.fixture(scope="session")
def processes(launcher: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, LauncherProcess]:
    """Return the launcher with the project of the whole table, by library."""
    return {
        library: LauncherProcess(
            library_python(f"{library}-commons"),
            launcher,
            write_project(tmp_path_factory.mktemp(library), project(cases_of(library), library)),
        )
        for library in LIBRARIES
    }


@pytest.mark.parametrize(("case", "library"), _ROWS)
def test_a_program_ends_as_the_table_says(
    processes: dict[str, LauncherProcess], case: Case, library: str, tmp_path: Path
) -> None:
    left = processes[library].run(case, tmp_path)
    found = faults(case, library, exit_code=left.exit_code, files=left.files, log=left.log)
    assert not found, "\n".join([*found, left.log])


def _cases(library: str) -> list[Case]:
    return [case for case in TABLE if library in case.libraries]
