"""Files of a data pool on a volume over HTTP: the real gateway's routes, and the real program as a process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import DATA_POOLS
from serviceexecution.store.pools.keys import PoolReference
from tests.processes.volume.serving import ADDRESS, Serving
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import Service

JOB = "datapool-models-1"
ODD = "a file #1? of ünicode 漢字.csv"
REACHABLE = {
    "type": "FilesReachable",
    "status": "False",
    "reason": "VolumeInUse",
    "message": "It waits for a volume that is in use on another node: pod solve-1.",
    "lastTransitionTime": "2026-11-28T12:00:00Z",
}


class Volume:
    """A gateway, and a data pool on a volume whose pod is started when it is wanted, unless it is told not to."""

    def __init__(self, directory: Path, *, wait: float = 10, port: int | None = None) -> None:
        self.files = directory / "volume"
        self.files.mkdir()
        self.serving = Serving(self.files)
        settings = {
            "volume_port": port or self.serving.port,
            "volume_start_seconds": wait,
            "pool_file_limit": 3_000_000,
        }
        self.service = Service(directory / "store", **settings)
        storage = {"type": "Claim", "claim": {"existing": "models"}}
        metadata = {"uid": self.serving.pool}
        self.pool = self.service.cluster.seed(
            DATA_POOLS, NAMESPACE, "models", metadata=metadata, spec={"storage": storage}
        )
        self.base = f"/platform/{NAMESPACE}/datapools/{self.serving.pool}/files"
        self.http = self.service.http

    @property
    def body(self) -> Any:
        return self.service.cluster.of(DATA_POOLS)["models"]

    async def tell(self, **access: str | None) -> None:
        """Write what the controller writes."""
        patch: Any = {"status": {"access": {"job": JOB, "jobUid": "uid", **access}}}
        await self.service.cluster.patch(DATA_POOLS, NAMESPACE, "models", patch, subresource="status")

    async def keep_secret(self, secret: bytes | None = None) -> None:
        reference = PoolReference(NAMESPACE, self.serving.pool)
        await self.service.store.pools.write_secret(reference, JOB, secret or self.serving.secret)

    @contextlib.asynccontextmanager
    async def controller(self) -> AsyncIterator[None]:
        """Have somebody start the pod once it is wanted."""

        async def start() -> None:
            while "wantedAt" not in self.body.get("status", {}).get("access", {}):  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.05)
            await self.keep_secret()
            await self.tell(address=ADDRESS)

        task = asyncio.create_task(start())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def put(self, name: str, content: bytes) -> httpx.Response:
        return await self.http.post(self.base, files={"file": (name, content)})


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Volume]:
    made = Volume(tmp_path)
    yield made
    made.serving.stop()


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Volume]:
    made = Volume(tmp_path, wait=0.6)
    yield made
    made.serving.stop()


def refused(answer: httpx.Response, status: int, code: str) -> str:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return str(answer.json()["detail"])


async def test_files_are_uploaded_listed_read_in_parts_and_deleted(volume: Volume) -> None:
    content = bytes(range(256)) * 4000
    async with volume.controller():
        made = await volume.put(ODD, content)
    assert made.status_code == 201, made.text
    file = made.json()
    assert (file["name"], file["contentLength"], file["contentType"]) == (ODD, len(content), "text/csv")
    assert (volume.files / ODD).read_bytes() == content
    assert (await volume.http.get(volume.base)).json() == [file]
    address = f"{volume.base}/{file['id']}"
    whole = await volume.http.get(address)
    assert whole.content == content
    assert whole.headers["etag"] == f'"{file["version"]}"'
    part = await volume.http.get(address, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content[10:20])
    same = await volume.http.get(address, headers={"If-None-Match": whole.headers["etag"]})
    assert same.status_code == 304
    assert (await volume.http.head(address)).headers["content-length"] == str(len(content))
    assert (await volume.http.delete(address)).status_code == 204
    refused(await volume.http.get(address), 404, "FileNotFound")
    refused(await volume.http.delete(f"{volume.base}/any"), 404, "FileNotFound")
    assert list(volume.files.iterdir()) == []


async def test_what_a_program_has_left_is_listed_with_the_id_that_an_upload_would_have(
    volume: Volume,
) -> None:
    (volume.files / "left.json").write_text("{}")
    async with volume.controller():
        (file,) = (await volume.http.get(volume.base)).json()
        replaced = (await volume.put("left.json", b"[]")).json()
        assert (replaced["id"], replaced["contentLength"]) == (file["id"], file["contentLength"])
        # Who has shown the old content sees that there is another one, though the size is the same
        assert replaced["version"] != file["version"]
    assert (await volume.http.get(f"{volume.base}/{file['id']}")).json() == []


async def test_a_call_waits_for_the_pod_and_says_why_it_does_not_come(hasty: Volume) -> None:
    answer = await hasty.http.get(hasty.base)
    refused(answer, 503, "VolumeNotReachable")
    assert answer.headers["retry-after"] == "5"
    patch: Any = {"status": {"conditions": [REACHABLE]}}
    await hasty.service.cluster.patch(DATA_POOLS, NAMESPACE, "models", patch, subresource="status")
    assert "solve-1" in refused(await hasty.http.get(hasty.base), 503, "VolumeInUse")


async def test_a_wish_is_written_once_for_many_calls(hasty: Volume) -> None:
    await asyncio.gather(*(hasty.http.get(hasty.base) for _ in range(4)))
    patches = [one for one in hasty.service.cluster.requests if one.verb == "patch"]
    changed = [one for one in patches if one.name == "models"]
    assert 1 <= len(changed) <= 4
    assert set(hasty.body["status"]) == {"access"}
    assert set(hasty.body["status"]["access"]) == {"wantedAt"}


@contextlib.asynccontextmanager
async def another_pod(directory: Path, *, relays: bool) -> AsyncIterator[tuple[Volume, list[bytes]]]:
    """Give a volume whose pod's address leads to a pod of somebody else, and what that pod is sent after its proof."""
    got: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonce = await reader.readexactly(36)
        if relays:
            theirs, to_pod = await asyncio.open_connection(ADDRESS, pod.serving.port)
            to_pod.write(nonce)
            writer.write(await theirs.readexactly(36))
            to_pod.close()
        else:
            writer.write((32).to_bytes(4, "big") + b"x" * 32)
        got.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.2", 0)
    pod = Volume(directory, wait=0.6, port=server.sockets[0].getsockname()[1])
    try:
        async with server:
            await pod.keep_secret()
            await pod.tell(address="127.0.0.2")
            yield pod, got
    finally:
        pod.serving.stop()


@pytest.mark.parametrize("relays", [False, True])
async def test_the_secret_is_not_sent_to_another_s_pod(tmp_path: Path, relays: bool) -> None:
    """A tenant's pod may have the address that ours had, and may hand on what our pod answers."""
    async with another_pod(tmp_path, relays=relays) as (volume, got):
        refused(await volume.http.get(volume.base), 503, "VolumeNotReachable")
    assert got
    assert set(got) == {b""}, "nothing follows a proof that is not of this address"


async def test_limits_and_names_are_those_of_data_pools(volume: Volume) -> None:
    async with volume.controller():
        refused(await volume.put("large", b"x" * 3_100_000), 413, "DataPoolFileTooLarge")
        refused(await volume.put("a/b", b"x"), 400, "InvalidFileName")
        refused(await volume.put(".sx-upload-mine", b"x"), 400, "InvalidFileName")
        (volume.files / "folder").mkdir()
        refused(await volume.put("folder", b"x" * 2_000_000), 400, "NameTaken")
    refused(await volume.http.get(volume.base, params={"index": "a" * 64}), 404, "NoSuchIndex")
    assert [one.name for one in volume.files.iterdir()] == ["folder"]


async def test_a_pod_that_is_killed_in_the_middle_is_said_and_leaves_no_half_file(volume: Volume) -> None:
    started = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf'
        started.set()
        while not [one for one in volume.files.iterdir() if one.name.startswith(".sx-upload-")]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        volume.serving.stop()
        for _ in range(20):
            yield b"x" * 100_000
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with volume.controller():
        answer = await volume.http.post(volume.base, content=body(), headers=headers)
    refused(answer, 503, "VolumeAway")
    assert "a" not in [one.name for one in volume.files.iterdir()]


async def test_a_namespace_has_four_calls_at_a_time(hasty: Volume) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    answers = await asyncio.gather(*(hasty.http.get(hasty.base) for _ in range(8)))
    assert {one.status_code for one in answers} == {503}
    assert loop.time() - begun >= 1.2, "the second four wait for the first"


async def test_a_call_without_the_right_starts_no_pod(volume: Volume) -> None:
    answer = await volume.http.get(volume.base, headers={"Authorization": "Bearer nobody"})
    assert answer.status_code in {401, 403}
    assert "status" not in volume.body


async def test_a_wish_that_cannot_be_written_is_an_error(hasty: Volume) -> None:
    hasty.service.cluster.fail("patch", "datapools", KubernetesError("away", status=500))
    assert (await hasty.http.get(hasty.base)).status_code == 503


async def test_an_old_wish_is_written_anew(hasty: Volume) -> None:
    patch: Any = {"status": {"access": {"wantedAt": "2026-01-01T00:00:00Z"}}}
    await hasty.service.cluster.patch(DATA_POOLS, NAMESPACE, "models", patch, subresource="status")
    await hasty.http.get(hasty.base)
    wanted = datetime.fromisoformat(hasty.body["status"]["access"]["wantedAt"])
    assert (datetime.now(UTC) - wanted).total_seconds() < 60
