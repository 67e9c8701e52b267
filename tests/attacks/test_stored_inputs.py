"""Somebody asks for a job with a large stored input, again and again, or asks and does not read the answer.

Each such request parsed the input on the event loop, and held it for as long as the client pleased: a few hundred
filled the gateway's memory. Each test fails on 3daed27.
"""

import asyncio
import threading

from serviceexecution.gateway.service_api.submission import kept_input
from serviceexecution.gateway.service_api.submission.objects import stored_properties
from serviceexecution.kube.kinds import CONFIG_MAPS, SERVICE_DEFINITIONS
from tests.support.loop_steps import measured_steps
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import Service, service

__all__ = ["service"]

JOBS = f"/platform/{NAMESPACE}/service-jobs"


async def job_of(service: Service, given: object) -> str:
    uid = service.cluster.of(SERVICE_DEFINITIONS)[SERVICE]["metadata"]["uid"]
    answer = await service.http.post(JOBS, json={"serviceId": uid, "input": given, "storeInput": True})
    assert answer.status_code == 201
    found: str = answer.json()["id"]
    return found


async def test_a_dense_input_holds_up_nobody(service, monkeypatch):
    job = await job_of(service, {"a": [[]] * 300_000})
    threads, read = [], stored_properties

    def noted(found):
        threads.append(threading.current_thread())
        return read(found)

    monkeypatch.setattr(kept_input, "stored_properties", noted)
    with measured_steps() as steps:
        answer = await service.http.get(f"{JOBS}/{job}")
    assert len(answer.json()["input"]) > 900_000
    assert threads
    assert threading.main_thread() not in threads
    assert steps.longest < 0.05


async def test_a_namespace_has_a_few_such_answers_at_once_and_all_come(service, monkeypatch):
    job = await job_of(service, {"a": 1})
    running, most, go_on = 0, 0, asyncio.Event()
    get = service.cluster.get

    async def held(kind, namespace, name):
        nonlocal running, most
        if kind != CONFIG_MAPS:
            return await get(kind, namespace, name)
        running, most = running + 1, max(most, running + 1)
        try:
            await go_on.wait()
            return await get(kind, namespace, name)
        finally:
            running -= 1

    monkeypatch.setattr(service.cluster, "get", held)
    asked = [asyncio.create_task(service.http.get(f"{JOBS}/{job}")) for _ in range(100)]
    async with asyncio.timeout(10):
        while running < 4:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)
    go_on.set()
    answers = await asyncio.gather(*asked)
    assert {answer.json()["input"] for answer in answers} == {'{"a":1}'}
    assert most == 4
