"""The checks that need no test: `python -m cluster.checks` runs them all; tests/checks runs each as a test."""

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from cluster.images.binaries import HELM_ONLY, build_all
from cluster.lock import exclusive
from cluster.settings import CHECKOUT, cache_home

_PACKAGES: Final = ("operator", "cluster", "tools", "demo", "benchmarks", "tests")


@dataclass(frozen=True)
class Check:
    """A command that ends with status 0 when all is well; words in the order of `python -m`."""

    name: str
    argv: tuple[str, ...]


def checks() -> list[Check]:
    """All checks, the quick ones first."""
    typed = tuple(name for name in _PACKAGES if (CHECKOUT / name).is_dir())
    return [
        Check("lint", ("ruff", "check", "--quiet", ".")),
        Check("format", ("ruff", "format", "--check", "--quiet", ".")),
        Check("import-rules", ("importlinter.cli",)),
        Check("generated-files", ("tools.generate", "--check")),
        Check("types", ("mypy", *typed)),
        Check("console", ("cluster.console_files", "types", "lint")),
    ]


def run(check: Check) -> tuple[bool, str]:
    """Whether the check passes, and what it printed."""
    if check.name == "import-rules":  # The package cannot be run as a module
        program = "from importlinter.cli import lint_imports_command as main; main()"
        argv = [sys.executable, "-c", program]
    else:
        argv = [sys.executable, "-m", *check.argv]
    environment = {
        **os.environ,
        # The install manifest is rendered by Helm: always by ours, so that its version cannot make a difference.
        "PATH": f"{build_all(cache_home(), HELM_ONLY)}:{os.environ['PATH']}",
        # A clean checkout takes a minute and a half to check; what another one has found spares most of it.
        "MYPY_CACHE_DIR": str(cache_home() / "mypy"),
    }
    cache = exclusive(cache_home() / "mypy.lock", what="is checking types")
    with cache if check.name == "types" else contextlib.nullcontext():
        result = subprocess.run(
            argv, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
        )
    return result.returncode == 0, (result.stdout + result.stderr).strip()


def main() -> int:
    failed = 0
    for check in checks():
        good, output = run(check)
        print(f"{check.name:<18}{'ok' if good else 'FAILED'}", flush=True)
        if not good:
            failed += 1
            print(output)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
