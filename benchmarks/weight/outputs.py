"""A result of very many files with long names, and commits that never end."""

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from benchmarks.weight.memory import Memory, memory
from serviceexecution.contract.paths import OUTPUT_DIRECTORY
from serviceexecution.kube.kinds import PODS, SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import (
    API_GROUP,
    API_VERSION,
    DEFINITION_KIND,
    KIND,
    LABEL_EXECUTION_UID,
)
from tests.support.cluster import Cluster, DeadlineError, member, uid_of

_SERVICE: Final = "files"
_IMAGE: Final = "docker.io/library/busybox:1.35.0"
_FOLDER: Final = "/".join(["d" * 200] * 3)
_FILE_PAD: Final = "n" * 80
_LONGEST_NAME: Final = "/".join(["d" * 200] * 3) + "/" + "n" * 90
_COMMIT_BYTES: Final = 64 * 1024**2
_SENDING_SECONDS: Final = 30.0
"""Longer than a commit waits for its turn before it is refused."""
_PATIENCE_SECONDS: Final = 1800.0
_LOOK_SECONDS: Final = 1.0


def run_with_files(cluster: Cluster, namespace: str, number: int) -> tuple[str, Memory | None]:
    """Run a program that writes so many empty files with paths of 700 characters; return the path of the execution in
    the Service API, and the most that its collector held. Raises DeadlineError when it does not succeed.
    """
    folder = f"{OUTPUT_DIRECTORY}/{_FOLDER}"
    script = (
        f"mkdir -p {folder}; i=0; while [ $i -lt {number} ]; do : > {folder}/$i-{_FILE_PAD}; i=$((i+1)); done"
    )
    cluster.create(
        SERVICE_DEFINITIONS,
        namespace,
        {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": DEFINITION_KIND,
            "metadata": {"name": _SERVICE},
            "spec": {"runtime": {"docker": {"image": _IMAGE, "command": ["sh", "-c", script]}}},
        },
    )
    name = str(uuid4())
    made = cluster.create(
        SERVICE_EXECUTIONS,
        namespace,
        {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": KIND,
            "metadata": {"name": name},
            "spec": {"serviceRef": {"name": _SERVICE}},
        },
    )
    most: Memory | None = None
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        found = cluster.get(SERVICE_EXECUTIONS, namespace, name) or {}
        if member(found, "status", "phase") == "Succeeded":
            assert member(found, "status", "result", "fileCount") == number  # noqa: S101
            return f"/services/{namespace}/{_SERVICE}/{name}", most
        if member(found, "status", "phase") == "Failed":
            break
        for pod in cluster.select(PODS, namespace, labels=f"{LABEL_EXECUTION_UID}={uid_of(made)}"):
            most = memory(namespace, pod, "collector") or most
        time.sleep(_LOOK_SECONDS)
    raise DeadlineError(f"a run with {number} files did not succeed: {member(found, 'status', 'message')}")


def read_result(address: str, path: str, token: str) -> int:
    """Read the result document, which names every file, as some clients at once; return its bytes."""
    sizes = []
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=120) as http:
        for _ in range(3):
            answer = http.get(f"{path}/result")
            answer.raise_for_status()
            sizes.append(len(answer.content))
    return max(sizes)


@contextlib.contextmanager
def unfinished_commits(address: str, tokens: Sequence[str]) -> Iterator[list[str]]:
    """Hold a commit of 64 MiB for each token that lacks its last byte; gives what was answered, "" for nothing."""
    entry = '{"path":"%s","size":0,"sha256":"' + "0" * 64 + '"}'
    names = (f"{number}/{_LONGEST_NAME}" for number in range(50_000))
    body = ('{"files":[' + ",".join(entry % name for name in names)).encode().ljust(_COMMIT_BYTES - 1)
    parts = urlsplit(address)
    head = (
        f"POST /collect/v1/commit HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {{}}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {_COMMIT_BYTES}\r\n\r\n"
    )

    def send(token: str) -> socket.socket:
        sender = socket.create_connection((parts.hostname or "", parts.port or 80))
        sender.settimeout(_SENDING_SECONDS)
        with contextlib.suppress(OSError):  # Refused ones are closed in the middle, or wait for their turn
            sender.sendall(head.format(token).encode())
            sender.sendall(body)
        return sender

    with ThreadPoolExecutor(len(tokens)) as pool:
        held = list(pool.map(send, tokens))
    try:
        yield [_answer(sender) for sender in held]
    finally:
        for sender in held:
            sender.close()


def _answer(sender: socket.socket) -> str:
    sender.setblocking(False)
    with contextlib.suppress(OSError):
        return sender.recv(64).decode(errors="replace").split("\r\n")[0]
    return ""
