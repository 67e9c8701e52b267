"""What is submitted, and how each of it must end whatever fails meanwhile."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.json_types import JsonObject

IMAGE: Final = "docker.io/library/busybox:1.35.0"
_OUTPUT: Final = "/var/runtime/output"
_FOREVER: Final = 900
"""Seconds of a program that is to be stopped before."""

_DRAIN: Final = 5
"""Seconds: older releases of containerd drop what they have not written two seconds after the program's end
(containerd/containerd#12364), which is no fault of what is tried here."""


@dataclass(frozen=True, slots=True)
class Program:
    """One kind of execution: its fields, and its end."""

    script: str
    log: tuple[str, ...]
    """The lines that it prints."""
    end: tuple[str, str] = ("Succeeded", "Succeeded")
    """Phase and reason."""
    files: dict[str, str] = field(default_factory=dict)
    """Content by path."""
    fields: JsonObject = field(default_factory=dict)
    is_cancelled: bool = False
    """It is asked to stop some seconds after it was submitted, perhaps before it has started."""

    @property
    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each output file."""
        return {path: hashlib.sha256(text.encode()).hexdigest() for path, text in self.files.items()}

    def spec(self, journal: str) -> JsonObject:
        """Return the execution's spec.

        The program first tells ``journal``, a URL, that it has begun, and which beginning of it this is.
        """
        told = f"me=$(cat /proc/sys/kernel/random/uuid); until wget -q -O /dev/null {journal}/$me; do sleep 0.2; done; "
        runtime: JsonObject = {"docker": {"image": IMAGE, "command": ["sh", "-c", told + self.script]}}
        return {"runtime": runtime, **self.fields}


def _lines(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, count + 1))


def _text(lines: tuple[str, ...]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _main(value: object) -> dict[str, str]:
    return {"output.json": json.dumps(value)}


def _write(files: dict[str, str]) -> str:
    return "".join(f"printf '%s' '{text}' > {_OUTPUT}/{path}; " for path, text in files.items())


def _quick() -> Program:
    files = _main({"sum": 6})
    return Program(f"echo begun; {_write(files)}echo ended", ("begun", "ended"), files=files)


def _slow() -> Program:
    files = _main({"steps": 20})
    script = f"for step in $(seq 20); do echo $step; sleep 1; done; {_write(files)}"
    return Program(script, _lines(20), files=files)


def _chatty() -> Program:
    return Program(f"seq 30000; sleep {_DRAIN}", _lines(30000))


def _many_files() -> Program:
    files = {f"part-{number}.txt": _text(_lines(number * 20)) for number in range(1, 41)}
    script = (
        f"for number in $(seq 40); do seq $((number * 20)) > {_OUTPUT}/part-$number.txt; done; echo written"
    )
    return Program(script, ("written",), files=files)


def _large_file() -> Program:
    files = {"large.txt": _text(_lines(400_000))}
    return Program(f"seq 400000 > {_OUTPUT}/large.txt; echo written", ("written",), files=files)


def _failing() -> Program:
    files = {"half.txt": "half"}
    script = f"echo begun; {_write(files)}exit 3"
    return Program(script, ("begun",), end=("Failed", "ProgramFailed"), files=files)


def _overdue() -> Program:
    fields: JsonObject = {"timeout": "5s", "cancelGrace": "2s"}
    return Program(f"echo begun; sleep {_FOREVER}", ("begun",), end=("Failed", "Timeout"), fields=fields)


def _cancelled() -> Program:
    fields: JsonObject = {"cancelGrace": "2s"}
    return Program(
        f"echo begun; sleep {_FOREVER}",
        ("begun",),
        end=("Cancelled", "Cancelled"),
        fields=fields,
        is_cancelled=True,
    )


_MAKERS: Final[dict[str, tuple[Callable[[], Program], int]]] = {
    "quick": (_quick, 6),
    "slow": (_slow, 4),
    "chatty": (_chatty, 2),
    "many files": (_many_files, 2),
    "large file": (_large_file, 1),
    "failing": (_failing, 2),
    "overdue": (_overdue, 2),
    "cancelled": (_cancelled, 2),
}

PROGRAMS: Final[dict[str, Program]] = {kind: make() for kind, (make, _) in _MAKERS.items()}
WEIGHTS: Final[dict[str, int]] = {kind: weight for kind, (_, weight) in _MAKERS.items()}
"""How often each kind comes, relative to the others."""
BUILD: Final = "build"
"""A service of a Dockerfile project; its build must succeed."""
