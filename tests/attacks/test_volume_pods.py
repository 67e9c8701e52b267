"""Somebody runs an image of their own in the pod that serves their volume, and says what no pod of ours says.

Who may change pods of a namespace may do that, and knows the digest by which the pod proves itself. Frames of no bytes
that come without a pause were read in one step of the gateway's event loop, which then served nobody. Fails on 1eafab6.
"""

import contextlib
import hashlib
import hmac
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from serviceexecution.kube.kinds import DATA_POOLS
from serviceexecution.store.pools.keys import PoolReference
from tests.support.loop_steps import measured_steps
from tests.unit.gateway.http.protocol_harness import all_of, served
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import Service

ADDRESS = "127.0.0.1"
SECRET = b"s" * 32
JOB = "datapool-models-1"
MOST_BYTES = 32 * 1024**2
"""As much as the pod sends at most, so that a gateway that reads for ever ends in a test, too."""


def frame(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def file(**members: Any) -> dict[str, Any]:
    return {"name": "a.txt", "size": 3, "changed": 1_700_000_000_000_000_000, **members}


def framed(said: Any) -> bytes:
    return frame(json.dumps(said).encode())


class Pod:
    """Proves itself, and then says ``says`` whatever it is asked; ``again`` without an end."""

    def __init__(self, says: bytes, again: bytes) -> None:
        self._says = says
        self._again = again * max(1, 256 * 1024 // len(again)) if again else b""
        self._listener = socket.create_server((ADDRESS, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                opened, _ = self._listener.accept()
                with opened, contextlib.suppress(OSError):
                    self._answer(opened)

    def _answer(self, opened: socket.socket) -> None:
        nonce = opened.recv(36, socket.MSG_WAITALL)[4:]
        key = hashlib.sha256(SECRET).digest()
        opened.sendall(frame(hmac.digest(key, nonce + ADDRESS.encode(), "sha256")))
        opened.recv(36, socket.MSG_WAITALL)
        opened.recv(4096)
        opened.sendall(self._says)
        sent = 0
        while self._again and sent < MOST_BYTES:
            opened.sendall(self._again)
            sent += len(self._again)
        opened.shutdown(socket.SHUT_WR)
        while opened.recv(4096):  # A connection that is closed before all is read loses what was sent
            pass


By = Callable[[Service, str], Awaitable[httpx.Response | bytes]]


async def client(service: Service, path: str) -> httpx.Response:
    return await service.http.get(path)


async def connection(service: Service, path: str) -> bytes:
    """Everything that a server answers until it ends the connection, which it was not asked for."""
    async with served(service.app) as port:
        head = f"GET {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer alice-token\r\n\r\n"
        answer: bytes = await all_of(port, head.encode())
        return answer


@dataclass
class Asked:
    """What the gateway answers to GET of the files, or of ``path`` there, while the pod says so much."""

    directory: Path
    pods: list[Pod] = field(default_factory=list)
    longest: float = 0.0
    """CPU seconds of the longest step of the event loop in a call, apart from the making of the gateway."""

    async def __call__(self, says: bytes, again: bytes = b"", path: str = "", by: By = client) -> Any:
        pod = Pod(says, again)
        self.pods.append(pod)
        service = Service(self.directory, volume_port=pod.port, volume_start_seconds=2)
        storage = {"type": "Claim", "claim": {"existing": "models"}}
        status = {"access": {"job": JOB, "jobUid": "uid", "address": ADDRESS}}
        service.cluster.seed(DATA_POOLS, NAMESPACE, "models", spec={"storage": storage}, status=status)
        uid = service.cluster.of(DATA_POOLS)["models"]["metadata"]["uid"]
        await service.store.pools.write_secret(PoolReference(NAMESPACE, uid), JOB, SECRET)
        await service.http.get("/healthz")  # The first request builds what all go through
        try:
            with measured_steps() as steps:
                return await by(service, f"/platform/{NAMESPACE}/datapools/{uid}/files{path}")
        finally:
            self.longest = max(self.longest, steps.longest)
            await service.schemas.close()


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path)
    yield made
    for pod in made.pods:
        pod.close()


A_FILE = "/00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    "again",
    [framed([]), framed([file()]), frame(b"[" + b"[]," * 300_000 + b"[]]"), frame(b"[" * 60_000)],
    ids=["lists of nothing", "lists of one", "a large list of lists", "lists in lists"],
)
async def test_a_list_that_does_not_end_holds_up_nobody(asked: Asked, again: bytes) -> None:
    answer = await asked(framed({"files": 1}), again)
    assert (answer.status_code, answer.json()["code"]) in {(502, "VolumeFailed"), (503, "VolumeAway")}
    assert asked.longest < 0.05


@pytest.mark.parametrize(
    ("says", "again"),
    [
        (framed(file(size=300_000)), frame(b"x")),
        (framed(file(size=3)) + frame(b"ab"), frame(b"more")),
        (framed(file(size=3)) + frame(b""), b""),
        (framed(file(size=3)) + frame(b"ab")[:-1], b""),
    ],
    ids=["frames of a byte", "more than was said", "less than was said", "half a frame"],
)
async def test_a_file_in_odd_parts_ends_its_connection_and_is_no_error_of_ours(
    asked: Asked, capsys: pytest.CaptureFixture[str], says: bytes, again: bytes
) -> None:
    head, _, body = (await asked(says, again, path=A_FILE, by=connection)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(body) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert asked.longest < 0.05
    assert "Traceback" not in "".join(capsys.readouterr())


async def test_a_file_in_whole_parts_is_given(asked: Asked) -> None:
    size = 3 * 256 * 1024 + 5
    parts = [b"x" * min(256 * 1024, size - start) for start in range(0, size, 256 * 1024)]
    says = b"".join(frame(part) for part in [*parts, b""])
    answer = await asked(framed(file(size=size)) + says, path=A_FILE)
    assert answer.content == b"x" * size


@pytest.mark.parametrize(
    "odd",
    [
        {"name": "\ud800"},
        {"name": "a\r\nSet-Cookie: a=b"},
        {"name": "a/b"},
        {"name": ""},
        {"name": "x" * 256},
        {"size": -1},
        {"size": 2**63},
        {"size": True},
        {"changed": 10**4000},
        {"changed": None},
    ],
)
@pytest.mark.parametrize("path", ["", A_FILE])
async def test_what_is_no_file_is_the_pod_s_failure(asked: Asked, odd: dict[str, Any], path: str) -> None:
    says = framed({"files": 1}) + framed([file(**odd)]) if not path else framed(file(**odd))
    answer = await asked(says + frame(b""), path=path)
    assert (answer.status_code, answer.json()["code"]) == (502, "VolumeFailed"), answer.text


@pytest.mark.parametrize(
    "refusal",
    [
        {"error": "FileNotFound", "detail": "\ud800"},
        {"error": "x" * 2000, "detail": "y" * 30_000},
        {"error": "\ud800", "detail": ["a"]},
        {"error": None},
    ],
)
async def test_a_refusal_has_a_code_that_we_know_and_a_short_sentence(
    asked: Asked, refusal: dict[str, Any]
) -> None:
    answer = await asked(framed(refusal), path=A_FILE)
    assert (answer.status_code, answer.json()["code"]) in {(404, "FileNotFound"), (502, "VolumeFailed")}
    assert len(answer.json()["detail"]) <= 500


@pytest.mark.parametrize(
    "says",
    [frame(b"[" * 60_000), frame(b"\xff\xfe"), frame(b"1"), b"\xff" * 8],
    ids=["nested", "no text", "a number", "too long"],
)
@pytest.mark.parametrize("path", ["", A_FILE])
async def test_what_is_no_answer_is_the_pod_s_failure(asked: Asked, says: bytes, path: str) -> None:
    answer = await asked(says, path=path)
    assert (answer.status_code, answer.json()["code"]) in {(502, "VolumeFailed"), (503, "VolumeAway")}
