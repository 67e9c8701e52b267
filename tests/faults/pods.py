"""Programs and the pods that they run in, and what a kubelet says of them. Pure."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.faults.collecting import Collector
from tests.unit.executions.builders import at

IMAGE_DIGEST: Final = f"sha256:{'1' * 64}"


@dataclass(slots=True)
class Program:
    """What a program does when it is started."""

    seconds: float = 5
    code: int = 0
    files: dict[str, bytes] = field(
        default_factory=lambda: {"output.json": b'{"sum": 6}', "more/a.txt": b"a"}
    )
    lines: tuple[str, ...] = ("one", "two", "three")
    reported: str = "Succeeded"
    """Of a build's pod: what it reports."""


@dataclass(slots=True)
class Pod:
    """A pod on the node."""

    uid: str
    job: str
    """Its Job's uid."""
    name: str
    namespace: str
    build: bool
    directory: Path
    token: str
    started: float | None = None
    ended: float | None = None
    code: int = 0
    stopped: bool = False
    lines: list[bytes] = field(default_factory=list)
    log_ended: asyncio.Event = field(default_factory=asyncio.Event)
    collector: Collector | None = None
    collector_ended: float | None = None
    reported: bool = False
    dead: bool = False
    """Its node has gone without a word."""


def status_of(pod: Pod) -> dict[str, Any]:
    """Return the pod's status; a container that was stopped before it started never ran."""
    main: dict[str, Any] = {"waiting": {"reason": "ContainerCreating"}}
    collector = dict(main)
    ran = pod.started is not None and (bool(pod.lines) or pod.started != pod.ended)
    over = pod.collector_ended is not None
    if ran and pod.started is not None:
        since = at(pod.started).isoformat()
        main = collector = {"running": {"startedAt": since}}
        if pod.ended is not None:
            main = {"terminated": _terminated(pod.code, since, pod.ended)}
        if pod.collector_ended is not None:
            collector = {"terminated": _terminated(0, since, pod.collector_ended)}
    phase = "Running" if ran else "Pending"
    if over:
        phase = "Succeeded" if ran and pod.code == 0 and not pod.stopped else "Failed"
    containers = [{"name": "main", "state": main}]
    if not pod.build:
        containers.append({"name": "collector", "state": collector})
    status: dict[str, Any] = {"phase": phase, "containerStatuses": containers}
    if over and pod.stopped:
        status["reason"] = "DeadlineExceeded"
    return status


def line_of(pod: Pod, text: str, now: float) -> bytes:
    """Return the next line of a pod's log."""
    stamp = at(now).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{1000 * (len(pod.lines) + 1):09d}Z {text}\n".encode()


def sha256(data: bytes) -> str:
    """Return the digest of an archive."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _terminated(code: int, since: str, until: float) -> dict[str, Any]:
    return {
        "exitCode": code,
        "reason": "Completed" if code == 0 else "Error",
        "startedAt": since,
        "finishedAt": at(until).isoformat(),
    }
