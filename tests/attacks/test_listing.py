"""M2: a list of executions is bounded, in number, in bytes and in what it holds the event loop for.

Fails on 9b98b50: 50,000 executions were one answer of 15 MB, made in one step of 1.8 s; ``?limit`` and ``?status`` were
ignored.
"""

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from serviceexecution.gateway.service_api.executions.list_query import MOST_LISTED
from serviceexecution.gateway.service_api.executions.list_routes import ANSWER_BYTES, FETCHED
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import Service


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path)
    service.state._current.add((SERVICE_EXECUTIONS, None))
    return service


def add(service: Service, count: int, **spec: Any) -> None:
    for number in range(count):
        service.state.note(
            {
                "metadata": {
                    "name": str(uuid.UUID(int=number)),
                    "namespace": NAMESPACE,
                    "uid": str(uuid.UUID(int=number + 10**9)),
                    "resourceVersion": str(number + 1),
                    "creationTimestamp": f"2026-11-27T00:{number // 60 % 60:02d}:{number % 60:02d}Z",
                },
                "spec": {"serviceRef": {"name": SERVICE}, **spec},
                "status": {"phase": "Running" if number % 10 else "Succeeded"},
            }
        )


async def pages(service: Service, query: str = "") -> list[httpx.Response]:
    found = []
    url = service.base + query
    while url:
        answer = await service.http.get(url)
        assert answer.status_code == 200, answer.text
        found.append(answer)
        url = answer.links["next"]["url"] if "next" in answer.links else ""
    return found


async def test_without_parameters_it_is_an_array_of_the_newest_thousand(service):
    add(service, 3300)
    answer = await service.get()
    listed = answer.json()
    assert len(listed) == MOST_LISTED
    assert listed == sorted(listed, key=lambda one: one["createdAt"], reverse=True)
    assert answer.links["next"]["url"].startswith(f"http://gateway{service.base}?")


async def test_all_are_found_page_by_page_while_more_come(service):
    add(service, 2500)
    first, *_ = await pages(service)
    add(service, 2600)  # a hundred more, all of them newer
    rest = await pages(service, "?" + first.links["next"]["url"].partition("?")[2])
    ids = [one["id"] for page in [first, *rest] for one in page.json()]
    assert len(ids) == len(set(ids)) == 2500


@pytest.mark.parametrize(
    "query", ["?limit=7", "?limit=7&status=SUCCEEDED", "?tag=a&limit=7", "?limit=999999"]
)
async def test_a_limit_holds_with_every_filter(service, query):
    add(service, 50, tags=["a", "b"])
    found = await pages(service, query)
    wanted = 5 if "SUCCEEDED" in query else 50
    assert sum(len(page.json()) for page in found) == wanted
    assert "999" in query or all(len(page.json()) <= 7 for page in found)


async def test_filters_of_a_list_choose_by_status_and_tag(service):
    add(service, 20, tags=["a", "b"])
    assert len((await service.get("?status=SUCCEEDED,FAILED")).json()) == 2
    assert len((await service.get("?status=RUNNING&tag=a&tag=b")).json()) == 18
    assert (await service.get("?tag=c")).json() == []
    assert len((await service.get("?page=3&size=7")).json()) == 20, "what is not known changes nothing"


@pytest.mark.parametrize(
    "query",
    [
        "?limit=0",
        "?limit=-1",
        "?limit=x",
        "?limit=" + "9" * 5000,
        "?limit=²",
        "?status=Running",
        "?status=",
        "?continue=x",
        "?continue=" + "A" * 5000,
        "?continue=MjAyNi0xMS0yN1QwMDowMDowMCBh",  # a time without its zone
        "?continue=%00é",
        "?" + "&".join(f"tag={n}" for n in range(50)),
    ],
)
async def test_a_parameter_that_cannot_be_is_named(service, query):
    answer = await service.get(query)
    assert answer.status_code == 400
    assert answer.json()["path"] in answer.json()["detail"]


async def test_an_answer_of_large_tags_is_bounded(service):
    add(service, 1500, tags=["x" * 25] * 64)
    answer = await service.get()
    assert "next" in answer.links
    assert len(answer.content) < ANSWER_BYTES * 1.1
    assert sum(len(page.json()) for page in await pages(service)) == 1500


async def test_tags_that_are_not_remembered_are_fetched_a_few_at_a_time(service):
    tags = ["x" * 250] * 64
    for number in range(FETCHED + 20):
        body = service.cluster.seed(
            SERVICE_EXECUTIONS,
            NAMESPACE,
            str(uuid.UUID(int=number)),
            spec={"serviceRef": {"name": SERVICE}, "tags": tags},
        )
        service.state.note(body)
    found = await pages(service)
    assert [len(page.json()) for page in found] == [FETCHED, 20]
    assert found[0].json()[0]["tags"] == tags
    gets = service.cluster.calls.count(("get", "serviceexecutions"))
    await service.get()
    assert service.cluster.calls.count(("get", "serviceexecutions")) == gets, "they are kept for a while"


async def test_a_list_of_many_is_made_in_small_steps(service):
    add(service, 20_000)
    turns = 0

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    try:
        await service.get()
        plain, turns = turns, 0
        await service.get("?status=FAILED")  # none of them
        filtered = turns
    finally:
        task.cancel()
    assert plain >= MOST_LISTED / 100
    assert filtered >= 20_000 / 100
