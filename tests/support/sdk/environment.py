"""Python environments for packages that cannot live in ours: made by uv from a lock with hashes, kept in the cache."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from cluster.environment import UV_LOCK, key

_FINISHED: Final = "finished"


def sdk_environment(lock: Path, interpreter: str = sys.executable) -> Path:
    """Return the interpreter of the environment that ``lock`` describes, made when there is none of its content.

    It is made of the interpreter that runs us, or of another one.

    Raises:
        subprocess.CalledProcessError: uv could not make it; its own words stand in the test's output.
    """
    base = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "serviceexecution" / "python-sdk"
    )
    version = sys.version if interpreter == sys.executable else ""
    interpreter = os.path.realpath(interpreter)
    target = (
        base
        / f"{lock.parent.name}-{key(lock.read_bytes(), UV_LOCK.read_bytes(), f'{interpreter} {version}')}"
    )
    python = target / "bin" / "python"
    if (target / _FINISHED).exists():
        return python
    base.mkdir(parents=True, exist_ok=True)
    with (base / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (target / _FINISHED).exists():
            shutil.rmtree(target, ignore_errors=True)
            uv = Path(sys.prefix) / "bin" / "uv"
            subprocess.run([uv, "venv", "--quiet", "--python", interpreter, target], check=True)
            install: list[str | Path] = [
                uv,
                "pip",
                "sync",
                "--quiet",
                "--require-hashes",
                "--only-binary=:all:",
            ]
            subprocess.run([*install, "--python", python, lock], check=True)
            (target / _FINISHED).touch()
    return python
