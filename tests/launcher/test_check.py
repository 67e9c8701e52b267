"""The check of a build, as a process: each reason, and projects that try to break it."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.launcher.conftest import library_python
from tests.support.launcher.cases import LIBRARIES
from tests.support.launcher.process import check, write_project

PROGRAM = "src/program.py"
PACKAGES = {"__init__.py": "", "src/__init__.py": ""}
GOOD = "def run(data: dict) -> dict:\n    return data\n"


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def checked(
    library: str, launcher: Path, directory: Path, files: dict[str, str], *arguments: str, **options: str
) -> tuple[dict[str, object], str]:
    """Check a project of ``files``; returns the report and the printed text."""
    project = write_project(directory, {**PACKAGES, **{name: dedent(text) for name, text in files.items()}})
    return check(library_python(library), launcher, project, *arguments, **options)


@pytest.mark.parametrize(
    ("files", "reason", "message"),
    [
        (
            {PROGRAM: "def run(data: dict:\n    pass"},
            "SyntaxError",
            "src/program.py:1: This is no valid Python 3.",
        ),
        (
            {PROGRAM: GOOD, "lib/old.py": "print 'x'"},
            "SyntaxError",
            "lib/old.py:1: This is no valid Python 3.",
        ),
        (
            {"src/main.py": GOOD},
            "EntryPointMissing",
            "There is no src/program.py, in which the entry point looks",
        ),
        (
            {PROGRAM: "def start(): pass"},
            "EntryPointMissing",
            "src/program.py has no function run, which the entry",
        ),
        (
            {PROGRAM: "run = 5"},
            "EntryPointMissing",
            "src/program.py has a value, not a function, run, which the",
        ),
        (
            {PROGRAM: f"import numpyy\n{GOOD}"},
            "ImportFailed",
            "src/program.py:1: Importing user_code.src.program failed, there is no module numpyy; add the package",
        ),
        (
            {PROGRAM: f"from .other import x\n{GOOD}", "src/other.py": "\nx = 1 / 0\n"},
            "ImportFailed",
            "src/other.py:2: Importing user_code.src.program failed with ZeroDivisionError: division by zero; correct",
        ),
        (
            {PROGRAM: "\n\ndef run(\n    data: dict,\n    params,\n): pass"},
            "SignatureInvalid",
            'src/program.py:5: The parameter "params" of run() has no annotation; write one',
        ),
        (
            {PROGRAM: "async def run(): pass"},
            "SignatureInvalid",
            "src/program.py:1: run() is async, and the library does not await it",
        ),
        (
            {PROGRAM: f"from .other import x\n{GOOD}", "src/other.py": "from .program import run\n"},
            "ImportFailed",
            "src/other.py:1: Importing user_code.src.program failed, since modules import each other: ImportError: ",
        ),
        (
            {PROGRAM: "def __getattr__(name):\n    raise LookupError(f'no {name}')\n"},
            "ImportFailed",
            "src/program.py:2: Importing user_code.src.program failed with LookupError: no run; correct that line",
        ),
    ],
)
def test_a_project_that_cannot_run_is_refused_with_a_reason(  # noqa: PLR0917
    library: str, launcher: Path, tmp_path: Path, files: dict[str, str], reason: str, message: str
) -> None:
    report, printed = checked(f"{library}-commons", launcher, tmp_path, files)
    assert report["ok"] is False
    assert report["reason"] == reason
    assert str(report["message"]).startswith(message)
    assert str(report["message"]).endswith(".")
    assert (report["inputSchema"], report["outputSchema"]) == (None, None)
    assert f"{reason}: {message}" in printed


def test_a_project_that_can_run_passes_the_check(library: str, launcher: Path, tmp_path: Path) -> None:
    program = f"""
        from {library}.commons.secret import SecretValue
        print("printed at import")
        def run(data: dict, token: SecretValue, count: int = 3) -> dict:
            '''Counts.'''
        """
    report, printed = checked(f"{library}-commons", launcher, tmp_path, {PROGRAM: program})
    schema = report.pop("inputSchema")
    assert isinstance(schema, dict)
    assert schema["description"] == "Counts."
    assert schema["required"] == ["data"]
    assert schema["x-secrets"] == [{"name": "token", "required": True}]
    assert report.pop("outputSchema") is not None
    expected = {"ok": True, "reason": "Succeeded", "message": "", "library": library, "installer": "uv"}
    assert report == expected
    assert "printed at import" in printed


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os; os._exit(0)", "ended the process with exit code 0; a module must not call os._exit()."),
        ("import os; os._exit(7)", "ended the process with exit code 7"),
        ("import sys; sys.exit('bye')", "ends the program with sys.exit('bye')"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        ("while True: pass", "did not end within 3 seconds; move what takes long into run()."),
        ("import argparse; argparse.ArgumentParser().parse_args(['--x'])", "sys.exit(2)"),
        ("class E(Exception):\n    def __str__(self): raise E\nraise E", "failed with E: no message"),
        ("raise BaseException('odd')", "failed with BaseException: odd"),
        ("def f(): f()\nf()", "RecursionError"),
    ],
)
def test_imports_that_end_badly(launcher: Path, tmp_path: Path, program: str, message: str) -> None:
    report, _ = checked("qhub-commons", launcher, tmp_path, {PROGRAM: program}, "--timeout", "3")
    assert (report["ok"], report["reason"]) == (False, "ImportFailed")
    assert message in str(report["message"])


@pytest.mark.parametrize(
    "first",
    [
        "import sys; assert sys.argv[1:] == []",
        "import sys; sys.stdout.close(); sys.stderr = None",
        "print('x' * 100_000)",
        "import os\nfor name in ('report.json',):\n    open(name, 'w').write('mine')\n    os.remove(name)",
        "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()",
        "import subprocess; subprocess.Popen(['sleep', '60'])",
        "import os\nif os.fork() == 0:\n    pass",
        "import sys; sys.excepthook = lambda *_: None; sys.setrecursionlimit(500)",
        "import builtins; builtins.print = None",
        "import os; os.chdir('/')",
        "import os; os.environ.clear()",
        "import logging; logging.basicConfig(level='DEBUG'); logging.shutdown()",
    ],
)
def test_imports_that_get_in_the_way(launcher: Path, tmp_path: Path, first: str) -> None:
    report, _ = checked("qhub-commons", launcher, tmp_path, {PROGRAM: f"{first}\n{GOOD}"}, "--timeout", "30")
    assert report["ok"] is True, report
    assert report["inputSchema"] is not None


def test_variables_of_a_run_are_no_fault(launcher: Path, tmp_path: Path) -> None:
    program = f"import os\nTOKEN = os.environ['SECRET_TOKEN']\n{GOOD}"
    report, _ = checked("qhub-commons", launcher, tmp_path, {PROGRAM: program})
    assert (report["ok"], report["inputSchema"]) == (True, None)
    assert "SECRET_TOKEN, which only a run may have; read it in run()" in str(report["message"])


def test_another_entry_point_is_checked(launcher: Path, tmp_path: Path) -> None:
    files = {"start/go.py": "def go(n: int) -> list: return [n]\n", "start/__init__.py": ""}
    report, _ = checked("qhub-commons", launcher, tmp_path, files, entry="user_code.start.go:go")
    assert report["ok"] is True
    report, _ = checked("qhub-commons", launcher, tmp_path, files, entry="start.go:go")
    assert report["reason"] == "EntryPointMissing"
    assert "The project is the package user_code: start.go is not in it." in str(report["message"])


@pytest.mark.parametrize("library", LIBRARIES)
def test_of_two_installed_libraries_the_types_of_run_choose_one(
    launcher: Path, tmp_path: Path, library: str
) -> None:
    typed = (
        f"from {library}.commons.secret import SecretValue\ndef run(t: SecretValue) -> dict: return {{}}\n"
    )
    report, _ = checked("both", launcher, tmp_path, {PROGRAM: typed})
    assert (report["ok"], report["library"]) == (True, library)
    imported = f"import {library}.commons.runtime.output\n{GOOD}"
    report, _ = checked("both", launcher, tmp_path, {PROGRAM: imported})
    assert (report["ok"], report["library"]) == (True, library)


def test_types_of_both_libraries(launcher: Path, tmp_path: Path) -> None:
    program = """
        from planqk.commons.secret import SecretValue
        from qhub.commons.datapool import DataPool
        def run(token: SecretValue, pool: DataPool) -> dict:
            return {}
        """
    report, _ = checked("both", launcher, tmp_path, {PROGRAM: program})
    assert report["reason"] == "SignatureInvalid"
    assert report["message"] == (
        "src/program.py:4: run() has types of both qhub.commons and planqk.commons, and each library takes only its "
        "own; import SecretValue and DataPool from one of them."
    )


def test_a_project_without_a_library_fails_the_check(launcher: Path, tmp_path: Path) -> None:
    import sys  # noqa: PLC0415

    project = write_project(tmp_path, {**PACKAGES, PROGRAM: GOOD})
    report, _ = check(Path(sys.executable), launcher, project)
    assert report["reason"] == "ImportFailed"
    assert "add qhub-commons to requirements.txt" in str(report["message"])
