"""The client against a fake API server: paths, bodies, errors, throttling, streams."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime

import pytest
from aiohttp import web

from serviceexecution.kube.client import KubernetesClient, WatchEvent
from serviceexecution.kube.errors import AlreadyExistsError, ConflictError, GoneError, KubernetesError
from serviceexecution.kube.kinds import CONFIG_MAPS, JOBS, PODS, SERVICE_EXECUTIONS
from tests.support.cycles import left_in_cycles


def status(code: int, reason: str, message: str = "no") -> dict[str, object]:
    return {"kind": "Status", "code": code, "reason": reason, "message": message}


async def test_get_sends_credentials_and_returns_the_object(client, api):
    api.always(200, {"metadata": {"name": "a"}, "n": 12345678901234567890, "f": 1.0})
    found = await client.get(JOBS, "ns", "a")
    assert found == {"metadata": {"name": "a"}, "n": 12345678901234567890, "f": 1.0}
    assert isinstance(found["f"], float)
    assert api.requests[0][:2] == ("GET", "/apis/batch/v1/namespaces/ns/jobs/a")
    assert api.headers[0]["Authorization"] == "Bearer sesame"
    assert api.headers[0]["User-Agent"] == "test/1"


async def test_get_of_nothing_is_none(client, api):
    api.always(404, status(404, "NotFound"))
    assert await client.get(JOBS, "ns", "a") is None


async def test_other_errors_carry_status_reason_and_message(client, api):
    api.always(403, status(403, "Forbidden", "jobs is forbidden"))
    with pytest.raises(KubernetesError, match="jobs is forbidden") as caught:
        await client.get(JOBS, "ns", "a")
    assert (caught.value.status, caught.value.reason, caught.value.retriable) == (403, "Forbidden", False)


@pytest.mark.parametrize(
    ("message", "lacks_right"),
    [
        (
            'jobs.batch is forbidden: User "system:serviceaccount:a:b" cannot create resource "jobs" in API group',
            True,
        ),
        ('secrets "s" is forbidden: User "u" cannot delete resource "secrets" in API group ""', True),
        ('pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1', False),
        ('pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true', False),
        ("jobs.batch \"j\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: it cannot be", False),
    ],
)
async def test_a_missing_right_may_come(client, api, message, lacks_right):
    """An API server that has just started has no roles for a moment; what admission refuses stays refused."""
    api.always(403, status(403, "Forbidden", message))
    with pytest.raises(KubernetesError) as caught:
        await client.create(JOBS, "ns", {})
    assert (caught.value.lacks_right, caught.value.retriable) == (lacks_right, lacks_right)


async def test_an_answer_that_is_no_json_is_an_error(client, api):
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="<html>proxy</html>")

    api.handler = handler
    with pytest.raises(KubernetesError, match="not JSON"):
        await client.get(JOBS, "ns", "a")


async def test_no_answer_is_retriable(client, api):
    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    api.handler = handler
    with pytest.raises(KubernetesError) as caught:
        await client.create(JOBS, "ns", {})
    assert caught.value.status is None
    assert caught.value.retriable
    assert len(api.requests) == 1, "a create is never sent twice"


async def test_list_follows_the_pages(client, api):
    api.in_turn(
        (200, {"metadata": {"continue": "c1", "resourceVersion": "7"}, "items": [{"i": 1}]}, {}),
        (200, {"metadata": {"resourceVersion": "7"}, "items": [{"i": 2}]}, {}),
    )
    found = await client.list(PODS, None, label_selector="a=b", field_selector="c=d")
    assert found.items == [{"i": 1}, {"i": 2}]
    assert found.resource_version == "7"
    assert api.requests[0][1] == "/api/v1/pods"
    assert api.requests[0][2] == {"labelSelector": "a=b", "fieldSelector": "c=d", "limit": "500"}
    assert api.requests[1][2]["continue"] == "c1"


async def test_list_starts_over_when_its_snapshot_is_gone(client, api):
    api.in_turn(
        (200, {"metadata": {"continue": "c1", "resourceVersion": "7"}, "items": [{"i": 1}]}, {}),
        (410, status(410, "Expired"), {}),
        (200, {"metadata": {"resourceVersion": "9"}, "items": [{"i": 1}, {"i": 2}]}, {}),
    )
    found = await client.list(PODS, "ns")
    assert found.items == [{"i": 1}, {"i": 2}]
    assert found.resource_version == "9"
    assert api.requests[2][2] == {"limit": "500"}, "in pages again: all in one would be 200 MB"


async def test_create_sends_exact_json(client, api):
    api.always(201, {"kind": "Job"})
    await client.create(JOBS, "ns", {"big": 12345678901234567890, "f": 1.0, "none": None, "u": "ü\ud800"})
    assert api.requests[0][0] == "POST"
    sent = api.requests[0][3].decode()
    assert '"big":12345678901234567890' in sent
    assert '"f":1.0' in sent
    assert '"none":null' in sent
    assert json.loads(sent)["u"] == "ü\ud800"
    with pytest.raises(ValueError, match="float"):
        await client.create(JOBS, "ns", {"f": float("nan")})


@pytest.mark.parametrize(
    ("reason", "kind"), [("AlreadyExists", AlreadyExistsError), ("Conflict", ConflictError)]
)
async def test_conflicts_of_a_creation_have_their_errors(client, api, reason, kind):
    api.always(409, status(409, reason))
    with pytest.raises(kind):
        await client.create(JOBS, "ns", {})


async def test_patch_is_a_merge_patch_of_the_subresource(client, api):
    api.always(200, {"status": {"phase": "Running"}})
    await client.patch(SERVICE_EXECUTIONS, "ns", "x", {"status": {"a": None}}, subresource="status")
    method, path, _, body = api.requests[0]
    assert (method, path) == (
        "PATCH",
        "/apis/serviceexecution.dev/v1alpha1/namespaces/ns/serviceexecutions/x/status",
    )
    assert body == b'{"status":{"a":null}}'
    assert api.headers[0]["Content-Type"] == "application/merge-patch+json"


async def test_fields_are_replaced_by_a_json_patch_of_the_version(client, api):
    api.always(200, {"spec": {}})
    fields = {"inputSchema": {"const": None}}
    await client.replace_fields(JOBS, "ns", "x", fields, resource_version="7")
    assert api.headers[0]["Content-Type"] == "application/json-patch+json"
    assert json.loads(api.requests[0][3]) == [
        {"op": "add", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "add", "path": "/spec/inputSchema", "value": {"const": None}},
    ]
    api.always(404, status(404, "NotFound"))
    assert await client.replace_fields(JOBS, "ns", "x", fields, resource_version="7") is None


async def test_what_was_written_is_sent_back_as_metadata_where_that_is_enough(client, api):
    """A megabyte that was just sent came back with each answer, and was parsed on the event loop."""
    api.always(200, {"metadata": {"uid": "u"}})
    assert await client.create(JOBS, "ns", {}, metadata_only=True) == {"metadata": {"uid": "u"}}
    await client.patch(JOBS, "ns", "x", {}, metadata_only=True)
    await client.create(JOBS, "ns", {})
    partial = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    assert [headers["Accept"] for headers in api.headers] == [partial, partial, "application/json"]
    assert api.headers[1]["Content-Type"] == "application/strategic-merge-patch+json"


async def test_patch_of_nothing_and_conflict(client, api):
    api.in_turn((404, status(404, "NotFound"), {}), (409, status(409, "Conflict"), {}))
    assert await client.patch(JOBS, "ns", "x", {}) is None
    with pytest.raises(ConflictError):
        await client.patch(JOBS, "ns", "x", {})


async def test_a_deletion_with_a_uid_leaves_others_alone(client, api):
    api.in_turn(
        (200, {"kind": "Status"}, {}),
        (404, status(404, "NotFound"), {}),
        (
            409,
            status(409, "Conflict", "Precondition failed: UID in precondition: a, UID in object meta: b"),
            {},
        ),
        (409, status(409, "Conflict", "the object has been modified"), {}),
    )
    assert await client.delete(CONFIG_MAPS, "ns", "x", uid="a", grace_period_seconds=0)
    assert json.loads(api.requests[0][3]) == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": {"uid": "a"},
        "gracePeriodSeconds": 0,
    }
    assert not await client.delete(CONFIG_MAPS, "ns", "x", uid="a")
    assert not await client.delete(CONFIG_MAPS, "ns", "x", uid="a")
    with pytest.raises(ConflictError):
        await client.delete(CONFIG_MAPS, "ns", "x", uid="a")


async def test_throttled_reads_wait_and_repeat(client, api):
    api.in_turn(
        (429, status(429, "TooManyRequests"), {"Retry-After": "0"}),
        (429, status(429, "TooManyRequests"), {"Retry-After": "0"}),
        (200, {"kind": "Pod"}, {}),
    )
    assert await client.get(PODS, "ns", "a") == {"kind": "Pod"}


async def test_a_throttled_create_is_not_repeated_but_the_pause_holds(client, api):
    api.always(429, status(429, "TooManyRequests"), {"Retry-After": "7"})
    with pytest.raises(KubernetesError) as caught:
        await client.create(PODS, "ns", {})
    assert caught.value.retry_after == 7
    assert caught.value.retriable
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.get(PODS, "ns", "a")
    assert len(api.requests) == 1


def streaming(*chunks: bytes):
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        return response

    return handler


async def test_watch_gives_events_cut_anywhere(client, api):
    lines = [
        json.dumps({"type": kind, "object": {"n": "x" * 300_000}}).encode() for kind in ("ADDED", "BOOKMARK")
    ]
    text = b"\n".join(lines) + b"\n"
    api.handler = streaming(text[:10], text[10:400_000], text[400_000:])
    events = [event async for event in client.watch(PODS, "ns", resource_version="5", timeout_seconds=3)]
    assert [event.type for event in events] == ["ADDED", "BOOKMARK"]
    assert events[0] == WatchEvent("ADDED", {"n": "x" * 300_000})
    assert api.requests[0][2] == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "3",
        "resourceVersion": "5",
    }


@pytest.mark.parametrize(("code", "kind"), [(410, GoneError), (500, KubernetesError)])
async def test_watch_raises_errors_of_the_stream(client: KubernetesClient, api, code, kind):
    event = {"type": "ERROR", "object": status(code, "Expired", "too old resource version")}
    api.handler = streaming(json.dumps(event).encode() + b"\n")
    with pytest.raises(kind, match="too old") as caught:
        async for _ in client.watch(PODS, "ns", timeout_seconds=3):
            pass
    assert caught.value.status == code
    assert type(caught.value) is kind


async def test_watch_that_cannot_be_opened(client, api):
    api.always(410, status(410, "Expired"))
    with pytest.raises(GoneError):
        async for _ in client.watch(PODS, "ns", timeout_seconds=3):
            pass


async def test_leaving_a_watch_early_closes_it(client, api):
    gone = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        try:
            await response.prepare(request)
            await response.write(b'{"type":"ADDED","object":{}}\n')
            await asyncio.sleep(60)  # the fake server cancels a handler whose client has gone
        finally:
            gone.set()
        return response

    api.handler = handler
    async with contextlib.aclosing(client.watch(PODS, "ns", timeout_seconds=60)) as events:
        async for _ in events:
            break
    assert await asyncio.wait_for(gone.wait(), 2)


async def test_lines_of_a_log_are_read_from_a_time_on(client, api):
    api.handler = streaming(b"2026-01-01T00:00:00.1Z a\n2026", b"-01-01T00:00:00.2Z b")
    since = datetime(2026, 1, 1, 1, 2, 3, 999999, tzinfo=UTC)
    async with client.log_lines("ns", "p", container="main", follow=True, since_time=since) as chunks:
        text = b"".join([chunk async for chunk in chunks])
    assert text == b"2026-01-01T00:00:00.1Z a\n2026-01-01T00:00:00.2Z b"
    assert api.requests[0][1] == "/api/v1/namespaces/ns/pods/p/log"
    assert api.requests[0][2] == {
        "container": "main",
        "timestamps": "true",
        "follow": "true",
        "sinceTime": "2026-01-01T01:02:03Z",
    }


async def test_log_of_a_container_that_has_not_started(client, api):
    api.always(400, status(400, "BadRequest", 'container "main" in pod "p" is waiting to start'))
    with pytest.raises(KubernetesError, match="waiting to start") as caught:
        async with client.log_lines("ns", "p", container="main", follow=True, since_time=None):
            pass
    assert caught.value.status == 400


async def test_a_log_stream_that_breaks(client, api):
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    api.handler = handler
    async with client.log_lines("ns", "p", container="main", follow=True, since_time=None) as chunks:
        assert await anext(chunks) == b"half"
        with pytest.raises(KubernetesError) as caught:
            await anext(chunks)
    assert caught.value.status is None


async def test_the_version_of_the_api_server_is_read(client, api):
    api.always(200, {"major": "1", "minor": "36+"})
    assert await client.server_version() == (1, 36)


async def test_an_error_is_in_no_cycle(client, api):
    """A flood of questions for what does not exist would leave thousands of objects to one collection."""
    api.always(404, status(404, "NotFound"))
    await client.get(JOBS, "ns", "a")
    with left_in_cycles() as left:
        for _ in range(20):
            assert await client.get(JOBS, "ns", "a") is None
    assert not {"KubernetesError", "ClientResponse"} & set(left)
