"""Builds of a Python project, beside a plain installation of its packages: ``python -m benchmarks.building``.

Everything in one run on one machine: ``uv pip install`` of the project's requirements without and with uv's cache,
then the project's first build, one after a change of its code, one after a change of its requirements, each from the
definition's change to the image that serves. What a build costs is said as a ratio to the plain installation.
"""

import argparse
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.support.builds import BUILD_SECONDS, PYTHON, Builds, Files
from tests.support.cluster import Cluster
from tests.support.gateway import Gateway, gateway_address
from tests.support.operator import Operator
from tests.support.sandbox import Sandbox

DEFAULT_PROJECT: Final = Path(__file__).parent.parent / "examples" / "plot"
_LONG_SECONDS: Final = 4.0 * BUILD_SECONDS


@dataclass(frozen=True, slots=True)
class Timed:
    """One measured step."""

    name: str
    seconds: float


def timed(name: str, work: Callable[[], object]) -> Timed:
    """Do the work and return how long it took."""
    start = time.monotonic()
    work()
    return Timed(name, time.monotonic() - start)


def plain_installations(requirements: Path) -> list[Timed]:
    """Install the requirements into new environments, without uv's cache and with it."""
    uv = Path(sys.prefix) / "bin" / "uv"
    with tempfile.TemporaryDirectory() as directory:
        cache = Path(directory, "cache")

        def install(number: int) -> None:
            environment = Path(directory, f"venv{number}")
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
            command: list[str | Path] = [
                uv,
                "pip",
                "install",
                "--quiet",
                "--cache-dir",
                cache,
                "--requirement",
                requirements,
            ]
            subprocess.run([*command, "--python", environment / "bin" / "python"], check=True)

        return [
            timed("uv pip install, empty cache", lambda: install(1)),
            timed("uv pip install, full cache", lambda: install(2)),
        ]


def builds_of(project: Files, builds: Builds) -> list[Timed]:
    """Build the project three times."""
    stamp = secrets.token_hex(8)  # Nothing of an earlier run is reused
    requirements = str(project["requirements.txt"])
    first: Files = {**project, "requirements.txt": f"{requirements}\n# {stamp}\n"}
    code: Files = {**first, "src/added.py": f"STAMP = {stamp!r}\n"}
    packages: Files = {**code, "requirements.txt": f"{requirements}\nsix==1.17.0\n# {stamp}\n"}

    def build(revision: str, source: Files) -> None:
        if revision == "r1":
            builds.define(source, PYTHON)
        else:
            builds.change(source=source)
        builds.succeed(revision, seconds=_LONG_SECONDS)

    return [
        timed("first build", lambda: build("r1", first)),
        timed("build after a change of its code", lambda: build("r2", code)),
        timed("build after a change of its requirements", lambda: build("r3", packages)),
    ]


def report(plain: list[Timed], built: list[Timed], console: Console) -> None:
    """Print seconds, and ratios to the plain installation without a cache."""
    table = Table("step", "seconds", "ratio to the first")
    for one in (*plain, *built):
        table.add_row(one.name, f"{one.seconds:.1f}", f"{one.seconds / plain[0].seconds:.1f}")
    console.print(table)


def files_of(directory: Path) -> Files:
    """Return the project's files by path."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def main() -> int:
    """Return 1 when there is no operator to build with."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.building", description=__doc__)
    parser.add_argument("project", nargs="?", type=Path, default=DEFAULT_PROJECT)
    directory: Path = parser.parse_args().project
    project = {**files_of(directory)}
    project["requirements.txt"] = Path(directory, "requirements.txt").read_text()
    cluster = Cluster()
    operator = Operator.find(cluster)
    address = None if operator is None else gateway_address(cluster, operator.namespace)
    if address is None:
        print("no operator with a gateway is installed: run `make up`", file=sys.stderr)
        return 1
    gateway, sandbox = Gateway(address), Sandbox(cluster, level="baseline")
    try:
        plain = plain_installations(directory / "requirements.txt")
        report(plain, builds_of(project, Builds(sandbox, gateway)), Console())
    finally:
        sandbox.close()
        gateway.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
