"""Somebody makes thousands of data pools with long descriptions, and asks for the list of them again and again.

All of it was held, parsed, for each request: some dozens of requests filled the gateway's memory.
"""

import asyncio
import json

import pytest

from serviceexecution.gateway.platform_api.data_pools import pool_lists
from serviceexecution.gateway.platform_api.data_pools.pool_lists import MOST_BYTES, MOST_LISTED
from serviceexecution.kube.kinds import DATA_POOLS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import Service

BASE = f"/platform/{NAMESPACE}/datapools"


@pytest.fixture
async def service(tmp_path):
    served = Service(tmp_path)
    yield served
    await served.schemas.close()


def make(service, number, **spec):
    for one in range(number):
        service.cluster.seed(DATA_POOLS, NAMESPACE, f"p{one:05}", spec=spec)


async def test_a_list_ends_at_a_number_and_at_a_size(service, monkeypatch):
    monkeypatch.setattr(pool_lists, "MOST_LISTED", 20)
    make(service, 30)
    names = [one["name"] for one in (await service.http.get(BASE)).json()]
    assert names == [f"p{one:05}" for one in range(20)]
    monkeypatch.setattr(pool_lists, "MOST_BYTES", 50_000)
    make(service, 30, description="x" * 8000)
    answer = await service.http.get(BASE)
    assert 5 <= len(answer.json()) <= 6
    assert len(answer.content) <= 50_000 + 10
    assert MOST_LISTED * 1024 < MOST_BYTES


async def test_the_data_pool_behind_the_end_of_the_list_is_found_by_its_id(service, monkeypatch):
    monkeypatch.setattr(pool_lists, "MOST_LISTED", 3)
    make(service, 10)
    uid = service.cluster.of(DATA_POOLS)["p00009"]["metadata"]["uid"]
    assert (await service.http.get(f"{BASE}/{uid}")).json()["name"] == "p00009"


async def test_lists_of_a_namespace_are_made_two_at_a_time(service, monkeypatch):
    make(service, 3)
    running, most, go_on = 0, 0, asyncio.Event()
    list_pages = service.cluster.list_pages

    async def held(kind, namespace, **options):
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        try:
            await go_on.wait()
            async for page in list_pages(kind, namespace, **options):
                yield page
        finally:
            running -= 1

    monkeypatch.setattr(service.cluster, "list_pages", held)
    asked = [asyncio.create_task(service.http.get(BASE)) for _ in range(20)]
    async with asyncio.timeout(10):
        while running < 2:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.001)
    await asyncio.sleep(0)
    go_on.set()
    answers = await asyncio.gather(*asked)
    assert {len(json.loads(answer.content)) for answer in answers} == {3}
    assert most == 2
