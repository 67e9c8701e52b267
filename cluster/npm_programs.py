"""Installing the npm programs that tests use, once, and keeping them by the hash of their lock.

The lock names each package by version and digest and no registry: npm asks the one that it is configured for.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from cluster.commands import run
from cluster.console import say
from cluster.errors import LauncherError
from cluster.hashing import content_hash
from cluster.lock import exclusive
from cluster.settings import CHECKOUT

SOURCES: Final = CHECKOUT / "cluster" / "npm"
_MINIMUM: Final = 20
_INSTALL: Final = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional")


def install(cache: Path, name: str) -> Path:
    """Install the package of ``cluster/npm/<name>`` unless it is there, and return the directory with node_modules.

    No script of a package is run. Raises LauncherError when there is no Node.js, it is too old, or npm failed.
    """
    source = SOURCES / name
    target = cache / "npm" / f"{name}-{content_hash([source], base=SOURCES)}"
    if target.exists():
        return target
    _check_node()
    with exclusive(cache / "npm.lock", what="installs npm programs"):
        if not target.exists():
            say(f"  {name}: installing with npm, once, about 2 minutes")
            temporary = target.with_suffix(".new")
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.copytree(source, temporary)
            run(_INSTALL, what=f"Installing {name}", directory=temporary)
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
