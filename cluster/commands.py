"""Running other programs with errors that a user can read."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cluster.errors import LauncherError

_SHOWN_LINES: Final = 15


def run(
    argv: Sequence[str | Path],
    *,
    what: str,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    stdin: str | None = None,
) -> str:
    """Run `argv` to its end and return its standard output.

    Raises LauncherError when it could not be started or failed; `what` begins the sentence, the output's end follows.
    """
    words = [str(word) for word in argv]
    try:
        result = subprocess.run(
            words,
            env={**os.environ, **(environment or {})},
            cwd=directory,
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise LauncherError(f"{what} failed: {words[0]} cannot be started ({error.strerror}).") from error
    if result.returncode != 0:
        raise LauncherError(failure_sentence(what, result.returncode, result.stderr + result.stdout))
    return result.stdout


def succeeds(argv: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> bool:
    """Whether `argv` ends with status 0; its output is dropped."""
    result = subprocess.run(
        [str(word) for word in argv],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return result.returncode == 0


def failure_sentence(what: str, status: int, output: str) -> str:
    """One sentence for a failed program; a full disk is named as the cause, else the last lines follow."""
    if "No space left on device" in output or "no space left on device" in output:
        return f"{what} failed because the disk is full; free some space and run the same command again."
    tail = "\n".join(f"    {line}" for line in output.strip().splitlines()[-_SHOWN_LINES:])
    return f"{what} failed with status {status}:\n{tail}" if tail else f"{what} failed with status {status}."
