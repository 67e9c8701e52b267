"""Statuses and submissions that wait: by ``Prefer``, and at the address for clients that know nothing of it."""

import asyncio

import pytest

from serviceexecution.gateway.access import callers
from serviceexecution.gateway.waiting import waits
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import BODY, JSON, Service, service

__all__ = ["service"]
WAIT = {"Prefer": "wait=20"}


async def settled(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a held request tells nobody
            await asyncio.sleep(0.001)


def run(service, name, phase, **status):
    """Let an execution have a phase that it is told by the watch."""
    service.state.note(service.cluster.finish(name, phase, **status))


def held_of(service):
    return service.state.changes.waited_for


class TestPrefer:
    async def test_a_submission_is_answered_at_the_end(self, service):
        asked = asyncio.create_task(service.post(headers=JSON | WAIT))
        await settled(lambda: service.executions() and held_of(service))
        (name,) = service.executions()
        run(service, name, "Running", startTime="2026-11-28T10:00:00Z")
        await asyncio.sleep(0)
        assert not asked.done()
        run(service, name, "Succeeded")
        answer = await asked
        assert (answer.status_code, answer.json()["status"]) == (201, "SUCCEEDED")
        assert answer.headers["preference-applied"] == "wait=20"
        assert answer.headers["location"].endswith(name)

    async def test_a_submission_is_answered_as_it_is_when_its_time_is_over(self, service):
        answer = await service.post(headers=JSON | {"Prefer": "wait=1"})
        assert (answer.status_code, answer.json()["status"]) == (201, "PENDING")
        assert answer.headers["preference-applied"] == "wait=1"

    async def test_no_more_than_the_setting_and_nothing_when_it_is_none(self, tmp_path):
        service = Service(tmp_path, wait_seconds=0)
        answer = await service.post(headers=JSON | WAIT)
        assert answer.status_code == 201
        assert "preference-applied" not in answer.headers
        await service.schemas.close()

    async def test_a_status_is_answered_at_the_next_change(self, service):
        name = await service.started()
        asked = asyncio.create_task(service.get(f"/{name}", headers=WAIT))
        await settled(lambda: held_of(service))
        run(service, name, "Running", startTime="2026-11-28T10:00:00Z")
        answer = await asked
        assert answer.json()["status"] == "RUNNING"
        assert answer.headers["preference-applied"] == "wait=20"

    async def test_what_the_client_has_is_not_sent_again_and_no_change_is_missed(self, service):
        name = await service.started()
        first = await service.get(f"/{name}", headers={"Prefer": "wait=1"})
        tagged = WAIT | {"If-None-Match": first.headers["etag"]}
        same = await service.get(f"/{name}", headers=tagged | {"Prefer": "wait=1"})
        assert (same.status_code, same.content) == (304, b"")
        run(service, name, "Running", startTime="2026-11-28T10:00:00Z")
        answer = await service.get(f"/{name}", headers=tagged)  # At once: it has changed meanwhile
        assert answer.json()["status"] == "RUNNING"

    async def test_tags_in_any_form_are_compared_and_a_large_head_is_answered_at_once(self, service):
        name = await service.started()
        tag = (await service.get(f"/{name}", headers={"Prefer": "wait=1"})).headers["etag"]
        tagged = WAIT | {"If-None-Match": f'"other", W/{tag}'}
        asked = asyncio.create_task(service.get(f"/{name}", headers=tagged))
        await settled(lambda: held_of(service))
        run(service, name, "Running", startTime="2026-11-28T10:00:00Z")
        assert (await asked).json()["status"] == "RUNNING"
        large = WAIT | {"X-Token": "x" * 20_000}
        answer = await asyncio.wait_for(service.get(f"/{name}", headers=large), 5)
        assert answer.json()["status"] == "RUNNING"
        assert "preference-applied" not in answer.headers

    async def test_an_end_is_answered_at_once_and_without_the_wish_nothing_is_different(self, service):
        name = await service.started()
        plain = await service.get(f"/{name}")
        assert not {"etag", "preference-applied"} & set(plain.headers)
        service.finish(name, "Failed")
        assert (await service.get(f"/{name}", headers=WAIT)).json()["status"] == "FAILED"

    async def test_an_execution_that_is_deleted_meanwhile_is_404(self, service):
        name = await service.started()
        watching = asyncio.create_task(service.state.run())
        await settled(lambda: service.state.ready)
        asked = asyncio.create_task(service.get(f"/{name}", headers=WAIT))
        await settled(lambda: held_of(service))
        await service.cluster.delete(SERVICE_EXECUTIONS, NAMESPACE, name)
        assert (await asked).status_code == 404
        watching.cancel()

    async def test_a_right_that_went_meanwhile_is_asked_for_again(self, tmp_path, monkeypatch):
        monkeypatch.setattr(callers, "ACCESS_SECONDS", 0)
        service = Service(tmp_path)
        name = await service.started()
        asked = asyncio.create_task(service.get(f"/{name}", headers=WAIT))
        await settled(lambda: held_of(service))
        service.cluster.allowed = lambda question: False
        run(service, name, "Succeeded")
        assert (await asked).status_code == 403
        await service.schemas.close()

    async def test_a_job_of_the_platform_waits_in_the_same_way(self, service):
        uid = service.cluster.objects["servicedefinitions", NAMESPACE, "sum"]["metadata"]["uid"]
        url = f"/platform/{NAMESPACE}/service-jobs"
        asked = asyncio.create_task(service.http.post(url, json={"serviceId": uid}, headers=WAIT))
        await settled(lambda: service.executions() and held_of(service))
        (name,) = service.executions()
        run(service, name, "Succeeded")
        assert (await asked).json()["status"] == "SUCCEEDED"


class TestAddress:
    """Clients that know nothing of waiting, at ``…/wait``."""

    async def test_a_repeated_question_is_held_until_the_run_has_ended(self, service):
        answer = await service.http.post(f"{service.base}/wait", content=BODY, headers=JSON)
        name = answer.json()["id"]
        assert answer.json()["status"] == "PENDING"
        assert "/wait" not in answer.headers["location"]
        asked = asyncio.create_task(service.get(f"/wait/{name}"))
        await settled(lambda: held_of(service))
        run(service, name, "Running", startTime="2026-11-28T10:00:00Z")
        await asyncio.sleep(0.01)
        assert not asked.done()
        run(service, name, "Succeeded")
        assert (await asked).json()["status"] == "SUCCEEDED"
        assert (await service.get(f"/wait/{name}")).json()["status"] == "SUCCEEDED"

    async def test_a_change_that_is_no_end_is_told_after_a_pause(self, service, monkeypatch):
        monkeypatch.setattr(waits, "SETTLING_SECONDS", 0.01)
        name = (await service.http.post(f"{service.base}/wait/", content=BODY, headers=JSON)).json()["id"]
        asked = asyncio.create_task(service.get(f"/wait/{name}"))
        await settled(lambda: held_of(service))
        run(service, name, "Running", startTime="2026-11-28T10:00:00Z")
        assert (await asked).json()["status"] == "RUNNING"

    async def test_the_first_question_and_the_usual_address_are_answered_at_once(self, service):
        name = await service.started()
        for path in (f"/wait/{name}", f"/{name}", f"/{name}"):
            assert (await service.get(path)).json()["status"] == "PENDING"
        assert (await service.get("/wait")).json()[0]["id"] == name
        assert (await service.get("/wait/openapi.json")).status_code == 200

    @pytest.mark.parametrize("slashes", ["//wait/", "/wait/", "/wait//"])
    async def test_slashes_do_not_matter(self, service, slashes):
        name = await service.started()
        url = f"{service.base}{slashes}{name}"
        assert (await service.http.get(url)).json()["id"] == name

    async def test_the_platforms_api_has_one_too(self, service):
        url = f"/platform/{NAMESPACE}/wait/service-executions"
        name = await service.started()
        assert (await service.http.get(f"{url}/{name}")).json()["status"] == "PENDING"
        asked = asyncio.create_task(service.http.get(f"{url}/{name}"))
        await settled(lambda: held_of(service))
        run(service, name, "Succeeded")
        assert (await asked).json()["status"] == "SUCCEEDED"
        assert (await service.http.get(url)).json()["totalElements"] == 1


async def test_a_status_says_the_position_and_the_start(service):
    service.cluster.objects["servicedefinitions", NAMESPACE, "sum"]["spec"]["concurrency"] = 1
    names = [await service.started() for _ in range(2)]
    for name in names:
        run(service, name, "Pending", reason="Queued")
    shown = [(await service.get(f"/{name}")).json() for name in names]
    assert sorted(one["queue"]["position"] for one in shown) == [1, 2]
    assert shown[0]["queue"]["waitsFor"] == "concurrency"
    run(service, names[0], "Running", startTime="2026-11-28T10:00:00Z")
    assert "queue" not in (await service.get(f"/{names[0]}")).json()
    url = f"/platform/{NAMESPACE}/service-executions/{names[1]}"
    assert (await service.http.get(url)).json()["queue"]["waitsFor"] == "concurrency"


def test_few_tags_of_a_long_header_are_kept():
    tags = waits.tags_in('"other", W/"*", ' + ", ".join(f'"{number:016x}"' for number in range(800)))
    assert tags == tuple(f'"{number:016x}"' for number in range(waits.MOST_TAGS))
