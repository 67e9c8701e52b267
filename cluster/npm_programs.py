"""Installing what npm has, for tests and for the console, once, and keeping them by the hash of their lock.

The lock names each package by version and digest and no registry: npm asks the one that it is configured for.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cluster.commands import run
from cluster.console import say
from cluster.errors import LauncherError
from cluster.hashing import content_hash
from cluster.lock import exclusive
from cluster.settings import CHECKOUT

_SOURCES: Final = CHECKOUT / "cluster" / "npm"
_MINIMUM: Final = 20


def install(cache: Path, name: str) -> Path:
    """Install the package of ``cluster/npm/<name>`` unless it is there, and return the directory with node_modules.

    No script of a package is run. Raises LauncherError when there is no Node.js, it is too old, or npm failed.
    """
    _check_node()
    files = sorted((_SOURCES / name).iterdir())
    return install_locked(cache, name, files, ["npm", "ci", "--ignore-scripts", "--omit=optional"])


def install_locked(cache: Path, name: str, files: Sequence[Path], npm: Sequence[str]) -> Path:
    """Install what ``files`` ask for, a lock among them, unless it is there; return the directory with node_modules.

    ``npm`` is the command line that does it. Raises LauncherError when it failed.
    """
    target = cache / "npm" / f"{name}-{content_hash(files, base=CHECKOUT)}"
    with exclusive(cache / "npm.lock", what="installs npm programs"):
        if not target.exists():
            say(f"  {name}: installing with npm, once, one or two minutes")
            temporary = target.with_suffix(".new")
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            for path in files:
                shutil.copy(path, temporary)
            run([*npm, "--no-audit", "--no-fund"], what=f"Installing {name}", directory=temporary)
            temporary.rename(target)
    return target


def _check_node() -> None:
    try:
        output = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        output = ""
    major = output.strip().removeprefix("v").partition(".")[0]
    if not major.isdigit():
        raise LauncherError(
            f"Node.js {_MINIMUM} or newer with npm is needed, but there is no `node` in PATH."
        )
    if int(major) < _MINIMUM:
        raise LauncherError(f"Node.js {_MINIMUM} or newer is needed, but `node` in PATH is {output.strip()}.")
