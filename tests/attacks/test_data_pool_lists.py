"""Somebody makes thousands of data pools with long descriptions, and asks for the list of them again and again.

All of it was held, parsed, for each request: some dozens of requests filled the gateway's memory.
"""

import asyncio
import json
import uuid
from datetime import UTC, datetime

import pytest

from serviceexecution.contract.input.pool_grants import GrantPermission, pool_grant
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


def lists_of(service):
    return service.cluster.calls.count(("list", "datapools"))


async def test_a_submission_that_names_many_unknown_data_pools_costs_a_list_or_two(service):
    """Each of them cost a list of all, descriptions included: 64 of 5,000 pools were 2.5 GB. Fails on f6bb466."""
    make(service, 5)
    ids = [str(uuid.uuid4()) for _ in range(64)]
    grants = [pool_grant(one, GrantPermission.MODIFY, datetime.now(UTC)) for one in ids]
    body = {
        f"p{number}": {"ref": "DATAPOOL", "id": one, "grant": given}
        for number, (one, given) in enumerate(zip(ids, grants, strict=True))
    }
    answer = await service.http.post(service.base, json=body)
    assert answer.status_code == 201, answer.text
    assert lists_of(service) <= 2


async def test_many_who_ask_for_unknown_data_pools_share_a_list(service):
    """Fails on f6bb466, with a list for each."""
    make(service, 5)
    answers = await asyncio.gather(*(service.http.get(f"{BASE}/{uuid.uuid4()}") for _ in range(50)))
    assert {one.status_code for one in answers} == {404}
    assert 1 <= lists_of(service) <= 3


async def test_what_was_made_after_a_list_is_found_all_the_same(service):
    assert (await service.http.get(f"{BASE}/{uuid.uuid4()}")).status_code == 404
    make(service, 1)
    uid = service.cluster.of(DATA_POOLS)["p00000"]["metadata"]["uid"]
    assert (await service.http.get(f"{BASE}/{uid}")).json()["name"] == "p00000"


async def test_who_joins_a_list_that_began_too_early_waits_for_the_next(service, monkeypatch):
    go_on, list_pages = asyncio.Event(), service.cluster.list_pages

    async def held(kind, namespace, **options):
        pages = [page async for page in list_pages(kind, namespace, **options)]
        if kind == DATA_POOLS:
            await go_on.wait()
        for page in pages:
            yield page

    monkeypatch.setattr(service.cluster, "list_pages", held)
    first = asyncio.create_task(service.http.get(f"{BASE}/{uuid.uuid4()}"))
    while not lists_of(service):  # noqa: ASYNC110 - no event tells it
        await asyncio.sleep(0.01)
    make(service, 1)
    uid = service.cluster.of(DATA_POOLS)["p00000"]["metadata"]["uid"]
    second = asyncio.create_task(service.http.get(f"{BASE}/{uid}"))
    await asyncio.sleep(0.05)
    go_on.set()
    assert (await first).status_code == 404
    assert (await second).json()["name"] == "p00000"
