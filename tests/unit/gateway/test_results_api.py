import os
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from prometheus_client import generate_latest

from serviceexecution.store.errors import StoreError, StoreFullError
from serviceexecution.store.records import LogRecord
from serviceexecution.store.storage.objects import Objects
from tests.unit.gateway.collect.collector_cluster import REF
from tests.unit.gateway.collect.collector_harness import ODD, code_of
from tests.unit.gateway.conftest import COLLECTOR

DATA = bytes(range(100))


@pytest.fixture
async def kept(gateway):
    gateway.kubernetes.add_execution()
    files = {"f.bin": DATA, "empty.txt": b"", **{path: path.encode() for path in ODD}}
    for path, data in files.items():
        await gateway.put(path, data)
    assert (await gateway.commit(files)).status_code == 200
    return gateway


async def test_files_of_a_result_are_listed(kept):
    body = (await kept.get("files")).json()
    first = body["files"][0]
    assert set(first) == {"path", "size", "sha256", "mediaType"}
    assert [file["path"] for file in body["files"]] == sorted([*ODD, "f.bin", "empty.txt"])
    assert (body["skipped"], body["limitExceeded"], body["attempt"]) == ([], False, 1)
    assert "podUid" not in body


async def test_download_of_odd_names(kept):
    for path in ODD:
        answer = await kept.get(f"files/{quote(path, safe='')}")
        assert (answer.status_code, answer.content) == (200, path.encode())
        name = quote(path.rpartition("/")[2], safe="")
        assert answer.headers["content-disposition"].endswith(f"filename*=UTF-8''{name}")


async def test_a_download_has_safe_headers(kept):
    answer = await kept.get("files/f.bin")
    assert answer.content == DATA
    assert answer.headers["content-length"] == "100"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith('attachment; filename="f.bin"; ')
    sha256 = next(f["sha256"] for f in (await kept.get("files")).json()["files"] if f["path"] == "f.bin")
    assert answer.headers["etag"] == f'"{sha256}"'
    text = await kept.get("files/empty.txt")
    assert (text.content, text.headers["content-type"], text.headers["content-length"]) == (
        b"",
        "text/plain; charset=utf-8",
        "0",
    )


@pytest.mark.parametrize(
    ("header", "status", "content"),
    [
        ("bytes=0-0", 206, DATA[:1]),
        ("bytes=10-19", 206, DATA[10:20]),
        ("bytes=90-", 206, DATA[90:]),
        ("bytes=90-1000", 206, DATA[90:]),
        ("bytes=-5", 206, DATA[-5:]),
        ("bytes=-500", 206, DATA),
        ("BYTES = 1-1", 206, DATA[1:2]),
        ("bytes=100-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=5-4", 200, DATA),
        ("bytes=1-2,4-5", 200, DATA),
        ("bytes=-", 200, DATA),
        ("items=1-2", 200, DATA),
        ("bytes=" + "9" * 30 + "-", 200, DATA),
        ("bytes=\u00b2-3", 200, DATA),
    ],
)
async def test_ranges_of_a_file_are_given(kept, header, status, content):
    answer = await kept.get("files/f.bin", {"Range": header.encode()})
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["content-range"] == "bytes */100"
        assert code_of(answer) == (416, "RangeNotSatisfiable")
    else:
        assert answer.content == content
        assert answer.headers["content-length"] == str(len(content))
    if status == 206:
        start = DATA.index(content[0])
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(content) - 1}/100"


async def test_range_of_an_empty_file(kept):
    assert (await kept.get("files/empty.txt", {"Range": "bytes=0-"})).status_code == 416


async def test_a_file_that_is_known_is_not_sent_again(kept):
    etag = (await kept.get("files/f.bin")).headers["etag"]
    for header in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = await kept.get("files/f.bin", {"If-None-Match": header})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert (await kept.get("files/f.bin", {"If-None-Match": '"x"'})).status_code == 200
    assert (await kept.get("files/f.bin", {"Range": "bytes=0-0", "If-Range": etag})).status_code == 206
    assert (await kept.get("files/f.bin", {"Range": "bytes=0-0", "If-Range": '"x"'})).status_code == 200


async def test_head_of_a_file_has_its_length(kept):
    url = f"/api/v1/namespaces/{REF.namespace}/executions/{REF.name}/files/f.bin"
    answer = await kept.http.head(url, headers={"Authorization": "Bearer user-token"})
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "100")


async def test_missing_files_and_results_are_not_found(kept):
    assert code_of(await kept.get("files/nope")) == (404, "FileNotFound")
    assert code_of(await kept.get("files/../f.bin"))[0] == 404
    await kept.store.outputs.of(REF, 1).delete("f.bin")
    assert code_of(await kept.get("files/f.bin")) == (500, "FileLost")
    await kept.store.delete_execution(REF.namespace, REF.uid)
    assert code_of(await kept.get("files")) == (404, "NoResultYet")
    del kept.kubernetes.objects["serviceexecutions", REF.namespace, REF.name]
    assert code_of(await kept.get("files")) == (404, "ExecutionNotFound")
    assert code_of(await kept.http.get("/nowhere")) == (404, "NotFound")
    assert code_of(await kept.http.get("/collect/v1/commit")) == (405, "MethodNotAllowed")


async def test_execution_of_the_same_name_sees_nothing_of_the_earlier_one(kept):
    kept.kubernetes.objects["serviceexecutions", REF.namespace, REF.name] = {"metadata": {"uid": "new"}}
    assert code_of(await kept.get("files/f.bin")) == (404, "NoResultYet")


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("nope", (401, "Unauthorized")),
        ("collector-token", (401, "Unauthorized")),
        ("bob", (403, "Forbidden")),
    ],
)
async def test_others_may_not_read(kept, token, expected):
    kept.kubernetes.add_user("bob", "bob", "log")
    assert code_of(await kept.get("files", {"Authorization": f"Bearer {token}"})) == expected
    assert code_of(await kept.get("files/f.bin", {"Authorization": f"Bearer {token}"})) == expected


@pytest.mark.parametrize("name", ["a%2Fb", "..", "a%3Fx", "A", "x" * 254, "%2e%2e"])
async def test_names_cannot_leave_their_place_in_the_api_path(kept, name):
    answer = await kept.http.get(
        f"/api/v1/namespaces/{REF.namespace}/executions/{name}/files",
        headers={"Authorization": "Bearer user-token"},
    )
    assert answer.status_code == 404


async def test_log_while_running_and_after(kept):
    assert (await kept.get("log")).text == ""
    lines = b"2026-11-23T12:00:00.000000001Z one two\n2026-11-23T12:00:00.2Z \n"
    await kept.store.logs.of(REF, 1).write(1, lines)
    await kept.store.logs.of(REF, 1).write(2, b"2026-11-23T12:00:01Z \xfflast\n")
    answer = await kept.get("log")
    assert answer.content == b"one two\n\n\xfflast\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (await kept.get("log?timestamps=true")).content.startswith(lines)
    assert code_of(await kept.get("log?timestamps=what")) == (400, "BadRequest")
    record = LogRecord(attempt=2, pod_uid="p", bytes=2, lines=1, committed_at=datetime.now(UTC))
    await kept.store.logs.of(REF, 2).write(1, b"2026-11-23T12:00:01Z 2\n")
    await kept.store.logs.commit(REF, record)
    assert (await kept.get("log")).content == b"2\n"


async def test_log_needs_its_own_permission(kept):
    kept.kubernetes.add_user("bob", "bob", "results")
    assert code_of(await kept.get("log", {"Authorization": "Bearer bob"})) == (403, "Forbidden")


async def test_large_download_is_whole(gateway):
    data = os.urandom(3_000_000)
    gateway.kubernetes.add_execution()
    await gateway.put("big", data)
    await gateway.commit({"big": data})
    assert (await gateway.get("files/big")).content == data
    assert (await gateway.get("files/big", {"Range": "bytes=1000000-2999998"})).content == data[
        1000000:2999999
    ]


async def test_health_and_metrics_need_no_token(kept, tmp_path):
    assert (await kept.http.get("/healthz")).status_code == 200
    assert (await kept.http.get("/readyz")).status_code == 200
    text = generate_latest().decode()
    assert 'route="/collect/v1/files/{path:anything}"' in text
    assert "serviceexecution_gateway_received_bytes_total" in text
    assert (await kept.http.get("/metrics")).status_code == 404, (
        "on a port of its own, where no stranger comes in"
    )
    kept.draining.set()
    assert code_of(await kept.http.get("/readyz")) == (503, "Draining")


async def test_not_ready_without_its_store(gateway, tmp_path):
    (tmp_path / "store" / "cluster").write_text("a file in the way")
    assert code_of(await gateway.http.get("/readyz")) == (503, "StoreUnavailable")


async def test_a_gateway_whose_store_goes_away_stays_ready_for_all_else(kept, monkeypatch):
    assert (await kept.http.get("/readyz")).status_code == 200

    async def away(*_, **__):
        raise StoreError("cannot read: the store does not answer")

    for name in ("put", "get", "stream", "list"):
        monkeypatch.setattr(Objects, name, away)
    assert (await kept.http.get("/readyz")).status_code == 200
    assert code_of(await kept.get("files/f.bin")) == (503, "StoreUnavailable")


async def test_a_gateway_whose_store_is_full_goes_on_giving_results(kept, monkeypatch):
    assert (await kept.http.get("/readyz")).status_code == 200

    async def full(*_):
        raise StoreFullError("no space left on device")

    monkeypatch.setattr(Objects, "put", full)
    kept.restart()
    assert (await kept.http.get("/readyz")).status_code == 200
    assert (await kept.get("files/f.bin")).content == DATA


async def test_unexpected_error_says_nothing_of_itself(gateway, monkeypatch):
    async def fail(*_):
        raise RuntimeError("secret")

    gateway.kubernetes.add_execution()
    monkeypatch.setattr(gateway.kubernetes, "get", fail)
    answer = await gateway.put("f", b"1", COLLECTOR)
    assert code_of(answer) == (500, "InternalError")
    assert "secret" not in answer.text
