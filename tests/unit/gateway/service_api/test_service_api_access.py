"""Who may call the Service API, and from where."""

import asyncio
from ipaddress import ip_network

import pytest

from serviceexecution.gateway.access import attempts
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import JSON, Service, is_problem, service

__all__ = ["service"]


class TestAccess:
    async def test_callers_without_a_token_are_refused(self, service):
        for headers in (
            {"Authorization": ""},
            {"Authorization": "Bearer nobody"},
            {"Authorization": "Basic x"},
        ):
            answer = await service.get(headers=headers)
            assert is_problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")

    async def test_callers_without_the_right_are_refused(self, service):
        service.cluster.allowed = lambda _: False
        assert is_problem(await service.get(), 403, "Forbidden")
        assert is_problem(await service.http.get("/services/other/nothing"), 403)

    async def test_each_call_asks_for_its_right(self, service):
        name = await service.started()
        service.finish(name, "Succeeded")
        service.cluster.questions.clear()
        for path in ("", f"/{name}", f"/{name}/result", f"/{name}/log"):
            await service.get(path)
        await service.http.put(f"{service.base}/{name}/cancel")
        asked = {(one["verb"], one["subresource"]) for one in service.cluster.questions}
        assert asked == {("list", ""), ("get", ""), ("get", "results"), ("get", "log"), ("update", "cancel")}

    async def test_a_right_for_one_object_alone_counts(self, service):
        name = await service.started()
        service.cluster.allowed = lambda question: question["name"] == name
        assert (await service.get(f"/{name}")).status_code == 200
        assert is_problem(await service.get(), 403)

    @pytest.fixture
    def pauses(self, monkeypatch):
        found = []

        async def pause(seconds):
            found.append(seconds)

        monkeypatch.setattr(attempts, "pause", pause)
        return found

    async def test_guessing_is_slowed_down_and_the_good_go_on(self, service, pauses):
        for number in range(25):
            guess = await service.get(headers={"Authorization": f"Bearer guess-{number}"})
            assert is_problem(guess, 401)
        assert pauses == [attempts.SLOW_SECONDS] * 5
        assert (await service.get()).status_code == 200
        assert len(pauses) == 5

    async def test_who_guesses_behind_a_proxy_slows_down_no_other_behind_it(self, tmp_path, pauses):
        service = Service(tmp_path, trusted_proxies=(ip_network("127.0.0.0/8"),))
        for number in range(25):
            headers = {"Authorization": f"Bearer guess-{number}", "X-Forwarded-For": "203.0.113.5"}
            await service.get(headers=headers)
        assert len(pauses) == 5
        headers = {"Authorization": "Bearer mistaken", "X-Forwarded-For": "203.0.113.6"}
        assert is_problem(await service.get(headers=headers), 401)
        assert len(pauses) == 5

    async def test_many_requests_of_one_caller_are_reviewed_once(self, service):
        await asyncio.gather(*(service.get() for _ in range(50)))
        assert service.cluster.reviews == 1
        assert len(service.cluster.questions) == 1

    async def test_mode_none_takes_any_token_and_none(self, tmp_path):
        service = Service(tmp_path, auth_mode="none")
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer x" * 3}):
            assert (await service.get(headers=headers)).status_code == 200


class TestBrowsers:
    async def test_pages_of_other_origins_may_not_call_unless_they_are_named(self, tmp_path):
        asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
        closed = await Service(tmp_path).http.options(f"/services/{NAMESPACE}/{SERVICE}", headers=asked)
        assert "access-control-allow-origin" not in closed.headers
        service = Service(tmp_path, cors_origins=("https://app.example.com",))
        answer = await service.http.options(service.base, headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        answer = await service.post(headers=JSON | {"Origin": "https://app.example.com"})
        assert "Location" in answer.headers["access-control-expose-headers"]
        answer = await service.get(headers={"Origin": "https://evil.example.com"})
        assert "access-control-allow-origin" not in answer.headers

    async def test_links_have_the_public_address(self, tmp_path):
        service = Service(tmp_path, public_url="https://api.example.com/sx")
        answer = await service.post()
        assert answer.headers["location"].startswith("https://api.example.com/sx/services/")

    @pytest.mark.parametrize("host", ["", "evil.example.com/x?", "a b"])
    async def test_a_host_that_is_none_goes_into_no_link(self, service, host):
        assert (await service.post(headers=JSON | {"Host": host})).status_code == 400
