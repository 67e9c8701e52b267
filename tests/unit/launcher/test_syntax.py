"""Syntax errors are found in the project's own files, without importing them."""

from pathlib import Path

import pytest

from serviceexecution.launcher.check.syntax import python_files, syntax_fault


@pytest.mark.parametrize(
    ("content", "line", "part"),
    [
        (b"def run(:\n    pass\n", 1, "invalid syntax"),
        (b"x = 1\nif x\n    pass\n", 2, "expected ':'"),
        (b"x = (1,\n", 1, "was never closed"),
        (b"print 'old'\n", 1, "Missing parentheses"),
        (b"# coding: latin-1\nx = '\xe4'\nreturn\n", 3, "outside function"),
        (b"# coding: no-such-one\n", 1, "encoding"),
        (b"x = '\xff'\n", 1, "; save the file as UTF-8, or name its encoding in its first line."),
        ("def run(): pass\n".encode("utf-16"), 1, "the file is UTF-16; save it as UTF-8."),
        (b"x = 1\0\n", 1, "null bytes"),
    ],
)
def test_errors_have_place_and_cause(tmp_path: Path, content: bytes, line: int, part: str) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "program.py").write_bytes(content)
    found = syntax_fault(tmp_path)
    assert found is not None
    assert found.startswith(f"src/program.py:{line}: ")
    assert part in found


def test_deep_nesting_is_an_error_too(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("(" * 5000 + ")" * 5000)
    assert str(syntax_fault(tmp_path)).startswith("a.py:1: ")


def test_valid_files_are_not_run(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import not_there\nraise SystemExit\n'\\d'\n")
    (tmp_path / "b.py").symlink_to("/nowhere.py")
    (tmp_path / "c.txt").write_text("no Python (")
    assert syntax_fault(tmp_path) is None


def test_files_of_others_are_left_out(tmp_path: Path) -> None:
    for folder in (".git", ".venv", "__pycache__", "node_modules", "env", "lib/site-packages", "src"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.py").write_text("(")
    (tmp_path / "env" / "pyvenv.cfg").touch()
    assert [path.relative_to(tmp_path).as_posix() for path in python_files(tmp_path)] == ["src/a.py"]
