"""Data pools over HTTP, on an API server in memory."""

import asyncio

import httpx
import pytest

from serviceexecution.gateway.app import create_app
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import DATA_POOLS, PERSISTENT_VOLUME_CLAIMS
from serviceexecution.store.errors import StoreFullError
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import ALICE, Service

BASE = f"/platform/{NAMESPACE}/datapools"
SMALL = {"pool_file_limit": 100_000, "pool_limit": 300_000, "pool_files": 4, "namespace_pools_limit": 400_000}


@pytest.fixture
async def service(tmp_path):
    served = Service(tmp_path, **SMALL)
    yield served
    await served.schemas.close()


async def make(service, name="Measurements", **members):
    answer = await service.http.post(BASE, json={"name": name, **members})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def put(service, pool, name="a.csv", content=b"1,2", http=None, **query):
    http = http or service.http
    return await http.post(f"{BASE}/{pool}/files", files={"file": (name, content)}, params=query)


async def stored(service, pool, name="a.csv", content=b"1,2"):
    answer = await put(service, pool, name, content)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def files(service, pool):
    answer = await service.http.get(f"{BASE}/{pool}/files")
    assert answer.status_code == 200, answer.text
    return {file["name"]: file for file in answer.json()}


def head(service):
    (body,) = service.cluster.of(DATA_POOLS).values()
    return body


async def blobs(service):
    found = await service.store.pools._objects.list("cluster/!pools")
    return [name for name in found if "/blobs/" in name]


def refusal(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()["detail"]


async def test_a_pool_is_made_shown_changed_and_deleted(service):
    pool = await make(service, tags=["Lab", "lab"], shortDescription="short", description="long")
    shown = (await service.http.get(f"{BASE}/{pool}")).json()
    assert shown == (await service.http.get(BASE)).json()[0]
    assert (shown["name"], shown["tags"], shown["currentUserPermission"]) == (
        "Measurements",
        ["lab"],
        "OWNER",
    )
    changed = await service.http.put(f"{BASE}/{pool}", json={"name": "Other", "description": None})
    assert changed.json() == {**shown, "name": "Other", "description": None}
    assert (await service.http.put(f"{BASE}/{pool}", content=b"")).json()["name"] == "Other"
    assert (await service.http.delete(f"{BASE}/{pool}")).status_code == 204
    refusal(await service.http.delete(f"{BASE}/{pool}"), 404, "DataPoolNotFound")
    assert (await service.http.get(BASE)).json() == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", "$.name"),
        (b"[]", "$"),
        (b"{", "$"),
        (b'{"name": "ab"}', "$.name"),
        (b'{"name": null}', "$.name"),
        (b'{"name": "a\\nb "}', "$.name"),
        (b'{"name": "pool", "shortDescription": "%s"}' % (b"x" * 61), "$.shortDescription"),
        (b'{"name": "pool", "tags": [1]}', "$.tags"),
        (b'{"name": "pool", "tags": "a"}', "$.tags"),
        (b'{"name": "pool", "description": "\\ud800"}', "$.description"),
        (b"[" * 60_000, "$"),
    ],
)
async def test_a_bad_pool_is_refused_with_its_member(service, body, path):
    answer = await service.http.post(BASE, content=body)
    assert (answer.status_code, answer.json()["path"]) == (400, path), answer.text


async def test_a_repeated_request_with_a_key_makes_one_pool(service):
    key = {"Idempotency-Key": "k1"}
    first = await service.http.post(BASE, json={"name": "pool"}, headers=key)
    again = await service.http.post(BASE, json={"name": "pool"}, headers=key)
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    refusal(await service.http.post(BASE, json={"name": "another"}, headers=key), 400, "IdempotencyKeyReused")


async def test_a_file_comes_back_as_it_was_sent(service):
    pool = await make(service)
    file = await stored(service, pool, "a.csv", b"x" * 50_000)
    assert (file["contentLength"], file["contentType"], file["dataPoolId"]) == (50_000, "text/csv", pool)
    url = f"{BASE}/{pool}/files/{file['id']}"
    whole = await service.http.get(url)
    assert (whole.content, whole.headers["etag"]) == (b"x" * 50_000, f'"{file["sha256"]}"')
    assert file["version"] == file["sha256"]
    part = await service.http.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (
        206,
        b"x" * 10,
        "bytes 10-19/50000",
    )
    assert (await service.http.get(url, headers={"If-None-Match": f'"{file["sha256"]}"'})).status_code == 304
    assert await files(service, pool) == {"a.csv": file}


@pytest.mark.parametrize("name", ["ü é", 'a"b\\c', "a#b?c&d=e+f", "日本", "%20", ".hidden", "x" * 255])
@pytest.mark.parametrize("where", ["part", "query"])
async def test_odd_names_come_back(service, name, where):
    pool = await make(service)
    query = {"filename": name} if where == "query" else {}
    answer = await put(service, pool, name if where == "part" else "upload", **query)
    assert answer.json()["name"] == name
    assert list(await files(service, pool)) == [name]


@pytest.mark.parametrize("name", ["dir/a", "..", ".", "a\nb", "a\x00b", "x" * 256, "ü" * 128, "\x7f"])
async def test_names_that_no_folder_takes_are_refused(service, name):
    pool = await make(service)
    refusal(await put(service, pool, filename=name), 400, "InvalidFileName")
    refusal(await put(service, pool, name), 400, "InvalidFileName")
    assert (await files(service, pool), await blobs(service)) == ({}, [])


async def test_a_part_without_a_name_needs_one_in_the_query(service):
    pool = await make(service)
    body = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n1,2\r\n--b--\r\n'
    head = {"Content-Type": "multipart/form-data; boundary=b"}
    url = f"{BASE}/{pool}/files"
    refusal(await service.http.post(url, content=body, headers=head), 400, "InvalidFileName")
    refusal(await put(service, pool, filename=""), 400, "InvalidFileName")
    named = await service.http.post(url, content=body, headers=head, params={"filename": "a.csv"})
    assert (named.status_code, named.json()["contentType"]) == (201, "text/csv")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\n1\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n1',
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n1\r\n'
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="b"\r\n\r\n2\r\n--b--\r\n'
        ),
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"; x="%s"\r\n\r\n1\r\n--b--\r\n'
        % (b"x" * 20_000),
        b"--b\r\n" + b"X-A: 1\r\n" * 100 + b"\r\n1\r\n--b--\r\n",
        b"no multipart at all",
    ],
)
async def test_what_is_no_single_file_is_refused_and_leaves_nothing(service, body):
    pool = await make(service)
    head = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await service.http.post(f"{BASE}/{pool}/files", content=body, headers=head)
    refusal(answer, 400, "InvalidUpload")
    assert (await files(service, pool), await blobs(service)) == ({}, [])


async def test_an_empty_file_needs_its_length(service):
    pool = await make(service)
    assert (await put(service, pool, "empty", b"")).status_code == 201
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\r\n--b--\r\n'

    async def chunks():
        yield body

    head = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await service.http.post(f"{BASE}/{pool}/files", content=chunks(), headers=head)
    refusal(answer, 400, "EmptyUpload")
    assert list(await files(service, pool)) == ["empty"]


async def test_the_same_name_replaces_and_the_same_file_again_changes_nothing(service):
    pool = await make(service)
    first = await stored(service, pool, content=b"1")
    before = head(service)["status"]["index"]
    assert await stored(service, pool, content=b"1") == first
    assert head(service)["status"]["index"] == before
    second = await stored(service, pool, content=b"22")
    assert (second["id"], second["contentLength"]) == (first["id"], 2)
    assert list(await files(service, pool)) == ["a.csv"]


async def test_equal_files_are_kept_once(service):
    pool = await make(service)
    await stored(service, pool, "a", b"same")
    await stored(service, pool, "b", b"same")
    assert len(await blobs(service)) == 1
    other = (await files(service, pool))["b"]["id"]
    await service.http.delete(f"{BASE}/{pool}/files/{(await files(service, pool))['a']['id']}")
    assert (await service.http.get(f"{BASE}/{pool}/files/{other}")).content == b"same"


async def test_a_file_is_deleted_by_its_id_and_nothing_else_is(service):
    pool = await make(service)
    file = await stored(service, pool, "a")
    for other in ("a", "a#b", "..", "", "%2e%2e", "00000000-0000-4000-8000-000000000000"):
        answer = await service.http.delete(httpx.URL(f"http://gateway{BASE}/{pool}/files/{other}"))
        assert answer.status_code == 404 or other == "..", (other, answer.text)
        if other == "..":  # The client itself makes the pool's own path of it
            pool = await make(service)
            file = await stored(service, pool, "a")
    assert (await service.http.delete(f"{BASE}/{pool}/files/{file['id']}")).status_code == 204
    refusal(await service.http.delete(f"{BASE}/{pool}/files/{file['id']}"), 404, "FileNotFound")


@pytest.mark.parametrize("path", ["/", "/{pool}/", "/{pool}/files/", "/{pool}/files/{file}/"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
async def test_a_slash_at_the_end_is_not_found(service, path, method):
    pool = await make(service)
    file = (await stored(service, pool))["id"]
    answer = await service.http.request(method, BASE + path.format(pool=pool, file=file))
    assert answer.status_code == 404, answer.text
    assert list(await files(service, pool)) == ["a.csv"]


async def test_limits_are_answered_and_leave_nothing(service):
    pool = await make(service)
    too_large = await put(service, pool, content=b"x" * 100_001)
    assert "97" not in refusal(too_large, 413, "DataPoolFileTooLarge") or too_large.json()["limit"] == 100_000
    early = await service.http.post(
        f"{BASE}/{pool}/files", content=b"", headers={"Content-Length": "900000", "Content-Type": "a/b"}
    )
    refusal(early, 413, "DataPoolFileTooLarge")
    assert await blobs(service) == []
    for number in range(3):
        await stored(service, pool, f"{number}", bytes([number]) * 90_000)
    refusal(await put(service, pool, "3", b"x" * 90_000), 413, "DataPoolTooLarge")
    await stored(service, pool, "3", b"x")
    refusal(await put(service, pool, "4", b"x"), 413, "TooManyFiles")
    other = await make(service, "Other")
    await stored(service, other, "0", b"z" * 90_000)
    refusal(await put(service, other, "1", b"y" * 90_000), 413, "DataPoolsTooLarge")
    assert len(await blobs(service)) == 5
    await stored(service, pool, "2", b"smaller")


async def test_a_full_store_is_a_413_that_no_client_repeats(service, monkeypatch):
    pool = await make(service)

    async def full(*_: object, **__: object) -> None:
        raise StoreFullError("cannot write: full")

    monkeypatch.setattr(service.store.pools, "write_blob", full)
    refusal(await put(service, pool), 413, "StoreFull")


async def test_a_claim_without_a_data_pool_is_reached_by_programs_only(service):
    label = {"serviceexecution.dev/datapool-id": "old-pool"}
    service.cluster.seed(PERSISTENT_VOLUME_CLAIMS, NAMESPACE, "claim", metadata={"labels": label})
    listed = {pool["name"]: pool["id"] for pool in (await service.http.get(BASE)).json()}
    assert listed == {"claim": "old-pool"}
    said = refusal(await service.http.get(f"{BASE}/old-pool/files"), 403, "DataPoolOnVolume")
    assert "storage.claim.existing claim" in said
    refusal(await put(service, "old-pool"), 403, "DataPoolOnVolume")
    assert (await service.http.get(f"{BASE}/old-pool")).json()["name"] == "claim"
    refusal(await service.http.delete(f"{BASE}/old-pool"), 403, "NotSupported")
    service.cluster.seed(PERSISTENT_VOLUME_CLAIMS, NAMESPACE, "claim-2", metadata={"labels": label})
    assert "claim-2" in refusal(await service.http.get(f"{BASE}/old-pool"), 400, "DataPoolAmbiguous")


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("GET", "", "list datapools"),
        ("POST", "", "create datapools"),
        ("GET", "/{pool}", "get datapools"),
        ("PUT", "/{pool}", "patch datapools"),
        ("DELETE", "/{pool}", "delete datapools"),
        ("GET", "/{pool}/files", "get datapools/files"),
        ("POST", "/{pool}/files", "create datapools/files"),
        ("GET", "/{pool}/files/{pool}", "get datapools/files"),
        ("DELETE", "/{pool}/files/{pool}", "delete datapools/files"),
    ],
)
async def test_each_call_needs_its_right(service, method, path, right):
    pool = service.cluster.seed(DATA_POOLS, NAMESPACE, "pool", spec={})["metadata"]["uid"]
    verb, _, resource = right.partition(" ")
    resource, _, subresource = resource.partition("/")
    asked = ("verb", "resource", "subresource")
    lacking = (verb, resource, subresource)
    service.cluster.allowed = lambda question: tuple(question[part] for part in asked) != lacking
    answer = await service.http.request(method, BASE + path.format(pool=pool))
    assert right in refusal(answer, 403, "Forbidden")


async def test_a_pool_of_another_namespace_is_not_found_here(service):
    service.cluster.seed(DATA_POOLS, "other", "secret", spec={})
    uid = service.cluster.of(DATA_POOLS, "other")["secret"]["metadata"]["uid"]
    for answer in (
        await service.http.get(f"{BASE}/{uid}"),
        await service.http.get(f"{BASE}/{uid}/files"),
        await put(service, uid),
        await service.http.delete(f"{BASE}/{uid}"),
    ):
        refusal(answer, 404, "DataPoolNotFound")


async def test_a_gateway_that_may_not_write_says_so(service):
    forbidden = KubernetesError("forbidden", status=403, reason="Forbidden")
    service.cluster.fail("create", "datapools", forbidden)
    answer = await service.http.post(BASE, json={"name": "pool"})
    assert "platformApi.write" in refusal(answer, 403, "NotSupported")


async def test_two_gateways_lose_nothing(service):
    pool = await make(service)
    second = create_app(
        service.store, service.cluster, service.settings.model_copy(update={"pool_files": 1000})
    )
    other = httpx.AsyncClient(
        transport=httpx.ASGITransport(second), base_url="http://second", headers=ALICE, timeout=60
    )
    answers = await asyncio.gather(
        *(put(service, pool, f"b{number}", b"%d" % number, http=other) for number in range(30)),
        *(put(service, pool, f"a{number % 2}", b"%d" % number) for number in range(10)),
    )
    statuses = [answer.status_code for answer in answers]
    assert statuses[:30] == [201] * 30
    found = await files(service, pool)
    assert {f"b{number}" for number in range(30)} <= found.keys()
    status = head(service)["status"]
    assert (status["files"], status["bytes"]) == (
        len(found),
        sum(file["contentLength"] for file in found.values()),
    )


async def test_a_gateway_that_dies_before_the_head_is_moved_leaves_the_pool_as_it_was(service):
    pool = await make(service)
    await stored(service, pool, "a", b"1")
    before = await files(service, pool)
    service.cluster.fail("patch", "datapools", KubernetesError("gone"))
    answer = await put(service, pool, "b", b"2")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) <= 5
    assert await files(service, pool) == before
    await stored(service, pool, "b", b"2")
    assert list(await files(service, pool)) == ["a", "b"]


async def test_earlier_states_can_be_read(service):
    pool = await make(service)
    old = await stored(service, pool, content=b"old")
    index = head(service)["status"]["index"]
    await stored(service, pool, content=b"new")
    await stored(service, pool, "b.csv", b"b")
    listed = (await service.http.get(f"{BASE}/{pool}/files", params={"index": index})).json()
    assert [(file["name"], file["contentLength"]) for file in listed] == [("a.csv", 3)]
    place = f"{BASE}/{pool}/files/{old['id']}"
    assert (await service.http.get(place, params={"index": index})).content == b"old"
    assert (await service.http.get(place)).content == b"new"
    now = head(service)["status"]["index"]
    assert len((await service.http.get(f"{BASE}/{pool}/files", params={"index": now})).json()) == 2


@pytest.mark.parametrize("index", ["0" * 64, "../blobs/x", ""])
async def test_a_state_that_is_not_kept_is_not_found(service, index):
    pool = await make(service)
    file = await stored(service, pool)
    for place in (f"{BASE}/{pool}/files", f"{BASE}/{pool}/files/{file['id']}"):
        refusal(await service.http.get(place, params={"index": index}), 404, "NoSuchIndex")
    assert (await service.http.delete(f"{BASE}/{pool}/files/{file['id']}?index={index}")).status_code == 204
