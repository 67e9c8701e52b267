"""Archives that people upload."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from serviceexecution.kube.client import TokenIdentity
from serviceexecution.store.builds.sources import SourceStore
from serviceexecution.store.errors import StoreFullError
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import Service, is_problem

GZIP = b"\x1f\x8b\x08" + b"a tar.gz, as far as the gateway looks"
ZIP = b"PK\x03\x04" + b"a zip"
MEBIBYTE = 1024 * 1024
LIMIT = 20 * MEBIBYTE


class Sources(Service):
    """Shorthands for uploads."""

    def __init__(self, directory, **settings):
        super().__init__(directory / "store", **{"source_limit": LIMIT, **settings})
        self.directory = directory / "store"

    async def put(self, data, digest=None, *, namespace=NAMESPACE, headers=None):
        """Upload bytes with their length, or what an async iterator gives without."""
        place = f"/api/v1/namespaces/{namespace}/sources/{digest or sha256(data)}"
        return await self.http.put(place, content=data, headers=headers)

    async def head(self, digest, namespace=NAMESPACE):
        return await self.http.head(f"/api/v1/namespaces/{namespace}/sources/{digest}")

    def files(self):
        """All files of the store, also what a broken write would leave."""
        return [path for path in self.directory.rglob("*") if path.is_file()]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


async def pieces(data, size=MEBIBYTE):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def archive(size):
    return GZIP + os.urandom(size - len(GZIP))


@pytest.fixture
async def sources(tmp_path):
    found = Sources(tmp_path)
    yield found
    await found.schemas.close()


@pytest.mark.parametrize("data", [GZIP, ZIP, archive(3 * MEBIBYTE)], ids=["gzip", "zip", "large"])
async def test_upload_once_and_again(sources, data):
    digest = sha256(data)
    assert (await sources.head(digest)).status_code == 404
    answer = await sources.put(data)
    assert answer.status_code == 201
    assert answer.json() == {"digest": f"sha256:{digest}", "size": len(data)}
    assert (await sources.put(data)).status_code == 200
    head = await sources.head(digest)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(data)))
    assert head.headers["etag"] == f'"{digest}"'
    assert head.headers["last-modified"].endswith(" GMT")
    stream = await sources.store.sources.open_source(NAMESPACE, digest)
    assert b"".join([bytes(chunk) async for chunk in stream.chunks]) == data
    assert len(sources.files()) == 1


async def test_the_same_archive_is_received_again_whole(sources):
    await sources.put(GZIP)
    assert is_problem(await sources.put(ZIP, sha256(GZIP)), 422, "DigestMismatch")
    stream = await sources.store.sources.open_source(NAMESPACE, sha256(GZIP))
    assert b"".join([bytes(chunk) async for chunk in stream.chunks]) == GZIP


async def test_uploads_in_pieces_of_any_size(sources):
    for size in (1, 2, 3, 5):
        data = GZIP + bytes([size])
        assert (await sources.put(pieces(data, size), sha256(data))).status_code == 201


@pytest.mark.parametrize("size", [len(GZIP), MEBIBYTE + 1, 18 * MEBIBYTE])
async def test_another_digest_keeps_nothing(sources, size):
    data, other = archive(size), sha256(b"other")
    answer = await sources.put(data, other)
    assert is_problem(answer, 422, "DigestMismatch")
    assert other in answer.json()["detail"]
    assert sha256(data) in answer.json()["detail"]
    assert sources.files() == []


async def test_too_large_by_its_length_is_refused_before_a_byte_is_read(sources):
    read = []

    async def body():
        read.append(1)
        yield GZIP

    headers = {"Content-Length": str(LIMIT + 1)}
    answer = await sources.put(body(), sha256(GZIP), headers=headers)
    assert is_problem(answer, 413, "SourceTooLarge")
    assert answer.json()["limit"] == LIMIT
    assert f"{LIMIT:,} bytes" in answer.json()["detail"]
    assert read == []


async def test_too_large_without_a_length_is_refused_when_it_is(sources):
    sent = 0

    async def body():
        nonlocal sent
        yield GZIP
        for _ in range(1000):
            sent += 1
            yield bytes(MEBIBYTE)

    answer = await sources.put(body(), sha256(b""))
    assert is_problem(answer, 413, "SourceTooLarge")
    assert sent <= 21
    assert sources.files() == []


async def test_as_large_as_allowed(sources):
    data = archive(LIMIT)
    assert (await sources.put(pieces(data), sha256(data))).status_code == 201


@pytest.mark.parametrize(
    "data", [b"", b"P", b"PK\x03", b"\x1f\x8b", b'{"a": 1}', b"PK\x07\x08....", b"BZh91AY&SY", b"ustar" * 9]
)
async def test_what_is_no_archive(sources, data):
    answer = await sources.put(data)
    assert is_problem(answer, 415, "NoArchive")
    assert "tar.gz" in answer.json()["detail"]
    assert "zip" in answer.json()["detail"]
    assert sources.files() == []


async def test_many_upload_the_same_at_once(sources):
    data = archive(2 * MEBIBYTE)
    answers = await asyncio.gather(*(sources.put(pieces(data, 100_000), sha256(data)) for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert 201 in {answer.status_code for answer in answers}
    assert len(sources.files()) == 1


@pytest.mark.parametrize("size", [0, 2, 3 * MEBIBYTE, 17 * MEBIBYTE])
async def test_a_client_that_goes_away_leaves_nothing(sources, size):
    data = archive(18 * MEBIBYTE)
    messages = [
        {"type": "http.request", "body": data[start : start + 65536], "more_body": True}
        for start in range(0, size, 65536)
    ]
    messages.append({"type": "http.disconnect"})
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    path = f"/api/v1/namespaces/{NAMESPACE}/sources/{sha256(data)}"
    scope = {
        "type": "http", "method": "PUT", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"authorization", b"Bearer alice-token"), (b"content-length", str(len(data)).encode())],
        "client": ("127.0.0.1", 1), "server": ("gateway", 80), "scheme": "http", "http_version": "1.1",
    }  # fmt: skip
    await sources.app(scope, receive, send)
    assert sent[0]["status"] == 499
    assert sources.files() == []
    assert (await sources.put(data)).status_code == 201


@pytest.mark.parametrize("size", [len(GZIP), 3 * MEBIBYTE, 17 * MEBIBYTE])
async def test_a_source_whose_sender_is_silent_is_given_up(tmp_path, size):
    sources = Sources(tmp_path, body_idle_seconds=0.2)

    async def silent():
        yield archive(size)
        await asyncio.Event().wait()

    assert is_problem(await sources.put(silent(), sha256(GZIP)), 408, "BodyTimeout")
    assert sources.files() == []


async def test_a_sender_who_is_never_done(tmp_path):
    sources = Sources(tmp_path, source_seconds=0.2)

    async def drops():
        yield GZIP
        while True:
            await asyncio.sleep(0.01)
            yield b"."

    assert is_problem(await sources.put(drops(), sha256(GZIP)), 408, "BodyTimeout")
    assert sources.files() == []


async def test_uploads_wait_for_their_turn_and_hold_up_no_output(tmp_path):
    sources = Sources(tmp_path, source_uploads=1, upload_queue_seconds=0.05)
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow():
        yield GZIP
        started.set()
        await finish.wait()

    first = asyncio.create_task(sources.put(slow(), sha256(GZIP)))
    await started.wait()
    assert is_problem(await sources.put(archive(2 * MEBIBYTE)), 503, "TooManyUploads")
    assert (await sources.put(ZIP)).status_code == 201
    finish.set()
    assert (await first).status_code == 201


async def test_sources_are_uploaded_with_the_right_to_run_builds(sources):
    asked = []

    def allowed(question):
        asked.append(question)
        return question["namespace"] == NAMESPACE

    sources.cluster.allowed = allowed
    assert (await sources.put(GZIP)).status_code == 201
    assert asked == [
        {
            "verb": "create", "group": "serviceexecution.dev", "resource": "servicedefinitions",
            "subresource": "source", "namespace": NAMESPACE, "name": "",
        }
    ]  # fmt: skip
    answer = await sources.put(GZIP, namespace="other")
    assert is_problem(answer, 403, "Forbidden")
    assert "servicedefinitions/source" in answer.json()["detail"]
    assert (await sources.head(sha256(GZIP), "other")).status_code == 403
    answer = await sources.put(GZIP, headers={"Authorization": ""})
    assert is_problem(answer, 401, "Unauthorized")
    answer = await sources.put(GZIP, headers={"Authorization": "Bearer nobody"})
    assert is_problem(answer, 401, "Unauthorized")


async def test_namespaces_are_kept_apart(sources):
    await sources.put(GZIP)
    assert (await sources.head(sha256(GZIP), "other")).status_code == 404
    assert (await sources.put(GZIP, namespace="other")).status_code == 201
    assert len(sources.files()) == 2


@pytest.mark.parametrize("digest", ["x", "A" * 64, "0" * 63, "0" * 65, "sha256:" + "0" * 64])
async def test_sources_of_odd_digests_are_refused(sources, digest):
    assert is_problem(await sources.put(GZIP, digest), 400, "InvalidDigest")


@pytest.mark.parametrize("namespace", ["A", "a%20b", "n" * 64, "!sources", ".."])
async def test_sources_of_odd_namespaces_are_refused(sources, namespace):
    assert (await sources.put(GZIP, namespace=namespace)).status_code in {400, 404}
    assert sources.files() == []


async def test_only_namespaces_that_are_served(tmp_path):
    sources = Sources(tmp_path, namespaces=("elsewhere",))
    assert is_problem(await sources.put(GZIP), 404, "NamespaceNotServed")
    assert (await sources.put(GZIP, namespace="elsewhere")).status_code == 201


async def test_sources_are_not_read_back(sources):
    await sources.put(GZIP)
    place = f"/api/v1/namespaces/{NAMESPACE}/sources/{sha256(GZIP)}"
    assert (await sources.http.get(place)).status_code == 405
    assert (await sources.http.delete(place)).status_code == 405


async def test_a_source_for_a_full_store_is_507(sources, monkeypatch):
    async def full(*_, **__):
        raise StoreFullError("no room")

    monkeypatch.setattr(SourceStore, "write_source", full)
    assert is_problem(await sources.put(GZIP), 507, "StoreFull")


class TestTokenBehindAProxy:
    """The API server's service proxy removes Authorization."""

    HEADER = "X-ServiceExecution-Authorization"

    async def answer(self, sources, **headers):
        sources.cluster.tokens["bob-token", None] = TokenIdentity("bob")
        place = f"/api/v1/namespaces/{NAMESPACE}/sources/{sha256(GZIP)}"
        request = sources.http.build_request("PUT", place, content=GZIP)
        del request.headers["authorization"]
        request.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return await sources.http.send(request)

    async def test_a_token_behind_a_proxy_comes_in_its_own_header(self, sources):
        answer = await self.answer(sources, X_ServiceExecution_Authorization="Bearer alice-token")
        assert answer.status_code == 201

    async def test_a_token_may_come_in_both_headers_when_they_agree(self, sources):
        both = {
            "Authorization": "Bearer alice-token",
            "X_ServiceExecution_Authorization": "bearer alice-token",
        }
        assert (await self.answer(sources, **both)).status_code == 201

    @pytest.mark.parametrize(
        ("usual", "proxied"),
        [
            ("Bearer alice-token", "Bearer bob-token"),
            ("Basic YTpi", "Bearer alice-token"),
            ("Bearer alice-token", "alice-token"),
        ],
    )
    async def test_two_different_credentials_are_refused(self, sources, usual, proxied):
        answer = await self.answer(sources, Authorization=usual, X_ServiceExecution_Authorization=proxied)
        assert is_problem(answer, 400, "TwoCredentials")
        assert "alice-token" not in answer.text
        assert sources.files() == []

    @pytest.mark.parametrize("value", ["", "alice-token", "Basic YTpi", "Bearer nobody"])
    async def test_a_token_behind_a_proxy_must_be_a_valid_bearer_token(self, sources, value):
        answer = await self.answer(sources, X_ServiceExecution_Authorization=value)
        assert is_problem(answer, 401, "Unauthorized")

    async def test_the_service_api_takes_it_too(self, sources):
        headers = {"Authorization": "", self.HEADER: "Bearer alice-token"}
        assert (await sources.http.get(sources.base, headers=headers)).json() == []


def resident_bytes():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError


async def test_memory_of_a_large_upload(tmp_path):
    sources = Sources(tmp_path, source_limit=100 * MEBIBYTE)
    warm = archive(9 * MEBIBYTE)  # so that threads and buffers of the backend are there
    assert (await sources.put(pieces(warm), sha256(warm))).status_code == 201
    block = os.urandom(65536)
    size = 100 * MEBIBYTE
    digest = hashlib.sha256(GZIP)
    for _ in range((size - len(GZIP)) // len(block)):
        digest.update(block)
    before, most = resident_bytes(), 0

    async def body():
        nonlocal most
        yield GZIP
        for number in range((size - len(GZIP)) // len(block)):
            if number % 16 == 0:
                most = max(most, resident_bytes())
            yield block

    assert (await sources.put(body(), digest.hexdigest())).status_code == 201
    assert (most - before) / MEBIBYTE < 60
