"""Lists in pages against a fake API server: bounded by number and by bytes, begun again when their snapshot is gone."""

import pytest
from aiohttp import web

from serviceexecution.kube.errors import GoneError
from serviceexecution.kube.kinds import CONFIG_MAPS, PODS
from serviceexecution.kube.pages import PAGE_BYTES, TIMES_BEGUN_AGAIN

GONE = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}


def listing(sizes, answered):
    """Return a handler for a list of objects that are padded to ``sizes``; it notes (limit, bytes) of each answer."""

    async def handler(request: web.Request) -> web.Response:
        limit, start = int(request.query["limit"]), int(request.query.get("continue", "0"))
        end = min(start + limit, len(sizes))
        items = [{"i": i, "pad": "x" * sizes[i]} for i in range(start, end)]
        metadata = {"resourceVersion": "7", **({"continue": str(end)} if end < len(sizes) else {})}
        answer = web.json_response({"items": items, "metadata": metadata})
        answered.append((limit, len(answer.text or "")))
        return answer

    return handler


async def test_pages_come_one_at_a_time(client, api):
    api.handler = listing([10] * 5, [])
    seen = []
    async for page in client.list_pages(PODS, None, label_selector="a=b", limit=2):
        seen.append(([item["i"] for item in page.items], len(api.requests)))
        assert (page.resource_version, page.begun_again) == ("7", False)
    assert seen == [([0, 1], 1), ([2, 3], 2), ([4], 3)]
    assert api.requests[0][2] == {"labelSelector": "a=b", "limit": "2"}


async def test_metadata_alone_is_asked_for_by_the_accept_header(client, api):
    api.handler = listing([10], [])
    assert [page async for page in client.list_pages(CONFIG_MAPS, "ns", metadata_only=True)]
    assert api.headers[0]["Accept"] == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert await client.list(CONFIG_MAPS, "ns")
    assert api.headers[1]["Accept"] == "application/json"


async def test_a_page_of_large_objects_is_asked_for_in_smaller_pages(client, api):
    answered: list[tuple[int, int]] = []
    api.handler = listing([300_000] * 20 + [100] * 2000, answered)
    pages = [page async for page in client.list_pages(PODS, None)]
    assert [item["i"] for page in pages for item in page.items] == list(range(2020))
    taken = [len(page.items) for page in pages]
    assert max(taken[:2]) * 300_000 <= PAGE_BYTES
    assert max(taken) == 500, "small objects come in whole pages again"
    assert [page.limit for page in pages] == [limit for limit, size in answered if size <= PAGE_BYTES]
    assert len(answered) < 30


async def test_one_object_above_the_bytes_of_a_page_is_listed_still(client, api):
    api.handler = listing([10, PAGE_BYTES * 2, 10], [])
    pages = [page async for page in client.list_pages(PODS, None)]
    assert [item["i"] for page in pages for item in page.items] == [0, 1, 2]


async def test_a_list_whose_snapshot_is_gone_is_begun_again_and_says_so(client, api):
    api.in_turn(
        (200, {"metadata": {"continue": "c1", "resourceVersion": "7"}, "items": [{"i": 1}]}, {}),
        (410, GONE, {}),
        (200, {"metadata": {"continue": "c2", "resourceVersion": "9"}, "items": [{"i": 2}]}, {}),
        (200, {"metadata": {"resourceVersion": "9"}, "items": [{"i": 3}]}, {}),
    )
    pages = [page async for page in client.list_pages(PODS, "ns")]
    assert [(page.items[0]["i"], page.begun_again) for page in pages] == [(1, False), (2, True), (3, False)]
    assert pages[-1].resource_version == "9"
    assert all("limit" in request[2] for request in api.requests)


async def test_a_list_that_never_ends_in_time_fails(client, api):
    async def handler(request: web.Request) -> web.Response:
        if "continue" in request.query:
            return web.json_response(GONE, status=410)
        return web.json_response({"metadata": {"continue": "c"}, "items": [{"i": 1}]})

    api.handler = handler
    with pytest.raises(GoneError):
        await client.list(PODS, None)
    assert len(api.requests) == 2 * (TIMES_BEGUN_AGAIN + 1)
