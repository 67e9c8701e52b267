"""Makes the checkout's Python environment: `python3 cluster/environment.py`. Standard library only.

The environment stands in the cache directory under the hash of requirements-dev.lock, so that a changed lock gets a
new one and several checkouts share one; `.venv` in the checkout is a link to it. Every package is checked against
the lock's hashes, and so is uv, which installs them.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parent.parent
LOCK: Final = CHECKOUT / "requirements-dev.lock"
UV_LOCK: Final = CHECKOUT / "requirements-uv.lock"
MINIMUM: Final = (3, 11)
_DEBIAN_PACKAGES: Final = ("python3-venv",)
_FINISHED: Final = "finished"


class EnvironmentNotMadeError(Exception):
    """One sentence for the user."""


def key(lock: bytes, uv_lock: bytes, interpreter: str) -> str:
    """Names an environment by everything that it is made from."""
    return hashlib.sha256(b"\0".join([lock, uv_lock, interpreter.encode()])).hexdigest()[:16]


def version_problem(version: tuple[int, int]) -> str | None:
    """The sentence for an interpreter that is too old, None for a good one."""
    if version >= MINIMUM:
        return None
    return (
        f"Python {MINIMUM[0]}.{MINIMUM[1]} or newer is needed, but `python3` is {version[0]}.{version[1]}; "
        "name another one with `make PYTHON=/path/to/python3 …`."
    )


def main() -> int:
    """Make what is missing and set the link; returns the exit status."""
    problem = version_problem((sys.version_info.major, sys.version_info.minor))
    if problem is not None:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    try:
        _link(_environment())
    except EnvironmentNotMadeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: the Python environment cannot be created: {error}.", file=sys.stderr)
        return 1
    return 0


def _environment() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "serviceexecution" / "python"
    interpreter = f"{os.path.realpath(sys.executable)} {sys.version}"
    target = cache / key(LOCK.read_bytes(), UV_LOCK.read_bytes(), interpreter)
    if (target / _FINISHED).exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / _FINISHED).exists():
            print(
                f"  creating the Python environment {target}, about a minute …", file=sys.stderr, flush=True
            )
            _create(target)
    return target


def _create(target: Path) -> None:
    """Make it in place, since environments cannot be moved; the last file written says that it is complete."""
    shutil.rmtree(target, ignore_errors=True)
    installer = target / "installer"
    _make_installer(installer)
    _run([installer / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", UV_LOCK])
    uv = installer / "bin" / "uv"
    _run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, target])
    _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", target / "bin/python", LOCK])
    (target / _FINISHED).touch()


def _make_installer(directory: Path) -> None:
    argv: list[str | Path] = [sys.executable, "-m", "venv", directory]
    if subprocess.run(argv, capture_output=True, check=False).returncode == 0:
        return
    # Debian splits the module that puts pip into an environment off its Python package.
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise EnvironmentNotMadeError(
            "`python3 -m venv` does not work here; install your system's package for it (python3-venv on Debian)."
        )
    print(
        f"  installing {', '.join(_DEBIAN_PACKAGES)}, for Python environments …", file=sys.stderr, flush=True
    )
    _run(["apt-get", "update", "-qq"])
    _run(["apt-get", "install", "--yes", "-qq", "--no-install-recommends", *_DEBIAN_PACKAGES])
    shutil.rmtree(directory, ignore_errors=True)
    _run(argv)


def _run(argv: list[str | Path]) -> None:
    words = [str(word) for word in argv]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        tail = "\n".join(f"    {line}" for line in (result.stderr + result.stdout).strip().splitlines()[-15:])
        raise EnvironmentNotMadeError(
            f"`{' '.join(words[:4])} …` failed with status {result.returncode}:\n{tail}"
        )


def _link(target: Path) -> None:
    """Point `.venv` at the environment; a directory of that name belongs to the user and stays."""
    link = CHECKOUT / ".venv"
    if link.is_symlink():
        if link.readlink() == target:
            return
        link.unlink()
    elif link.exists():
        raise EnvironmentNotMadeError(f"{link} is not the link that this program makes; move it away.")
    link.symlink_to(target)


if __name__ == "__main__":
    sys.exit(main())
