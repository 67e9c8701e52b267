"""One caller's flood and the gateway's budget of requests to the API server (H8, controller 2, 22 and 35).

Each request of the fake API server goes through a real bucket, whose order is looked at. Each test fails on 9b98b50.
"""

import asyncio
from collections import Counter
from uuid import uuid4

import pytest

from serviceexecution.controller.clients import Clients
from serviceexecution.fairness.payers import current_payer
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube import rate_limit
from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.events import EventPoster, ObjectIdentity
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.kube.rate_limit import TokenBucket
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import Service, is_problem

BOB = {"Authorization": "Bearer bob-token"}


class LimitedService(Service):
    """The app on a cluster that takes 20 requests a second, and remembers who paid for each."""

    def __init__(self, directory):
        super().__init__(directory)
        self.state._current.add((SERVICE_EXECUTIONS, None))
        self.cluster.tokens["bob-token", None] = TokenIdentity("bob")
        self.bucket = TokenBucket(qps=20, burst=10)
        self.paid = []
        for name in ("get", "review_token", "review_access", "create", "patch"):
            setattr(self.cluster, name, self._limited(getattr(self.cluster, name)))

    def _limited(self, call):
        async def one(*args, **more):
            await self.bucket.acquire()
            self.paid.append(current_payer())
            return await call(*args, **more)

        return one


@pytest.fixture
async def service(tmp_path):
    found = LimitedService(tmp_path)
    yield found
    await found.schemas.close()


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


async def flooded(service, polls):
    """Start so many polls of ids that nobody has."""
    await service.get()  # alice is known
    tasks = [asyncio.create_task(service.get(f"/{uuid4()}")) for _ in range(polls)]
    await until(lambda: len(service.bucket._shares) >= polls // 2)
    return tasks


async def test_another_callers_requests_come_between_those_of_a_flood(service):
    """H8: bob's first request took 13 s beside 3,000 polls of unknown ids, since all were served in one row."""
    tasks = await flooded(service, 150)
    before = Counter(payer.name for payer in service.paid)
    answer = await service.http.get(service.base, headers=BOB)
    between = Counter(payer.name for payer in service.paid) - before
    assert answer.status_code == 200
    assert between["alice"] <= 3 * (between["bob"] + 1)  # three requests of bob's, each after one of alice's
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_accounts_that_one_namespace_makes_share_one_part(service):
    """H8, its kind: whoever may create ServiceAccounts has as many names as he likes."""
    slow, service.bucket = service.bucket, TokenBucket(qps=1000, burst=1000)
    everybody = [{"Authorization": f"Bearer token-{number}"} for number in range(40)]
    for number, headers in enumerate(everybody):
        account = f"system:serviceaccount:evil:sa-{number}"
        service.cluster.tokens[f"token-{number}", None] = TokenIdentity(account)
        await service.get(f"/{uuid4()}", headers=headers)
    await service.http.get(service.base, headers=BOB)
    service.bucket = slow
    service.paid.clear()
    tasks = []
    for headers in everybody:
        tasks += [asyncio.create_task(service.get(f"/{uuid4()}", headers=headers)) for _ in range(3)]
    await until(lambda: sum(payer.name == "system:serviceaccount:evil" for payer in service.paid) > 10)
    before = len(service.paid)
    answer = await service.http.get(f"{service.base}/{uuid4()}", headers=BOB)
    assert answer.status_code == 404
    paid = [payer.name for payer in service.paid[before:]]
    assert paid.index("bob") <= 8, paid
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_flood_beyond_its_row_is_told_to_come_back(service, monkeypatch):
    """H8: the row had no end."""
    monkeypatch.setattr(rate_limit, "WAITING_PER_ACCOUNT", 30)
    await service.get(f"/{uuid4()}")  # alice is known
    service.bucket.pause(60)  # nothing is served: the row only grows
    tasks = [asyncio.create_task(service.get(f"/{uuid4()}")) for _ in range(40)]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    answer = done.pop().result()
    assert is_problem(answer, 429, "TooManyRequests")
    assert int(answer.headers["retry-after"]) >= 1
    for task in waiting:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_polls_what_nobody_has_asks_the_api_server_once(service):
    """H8: each poll of an unknown id or service was a request."""
    identifier = str(uuid4())
    for path in (f"{service.base}/{identifier}", f"/services/{NAMESPACE}/unknown/{identifier}"):
        answers = await asyncio.gather(*(service.http.get(path) for _ in range(20)))
        answers += [await service.http.get(path) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {404}
        asked = [call for call in service.cluster.calls if call[:2] == ("get", SERVICE_EXECUTIONS.plural)]
        assert len(asked) == 1
        service.cluster.requests.clear()
    for _ in range(20):
        assert (await service.http.get(f"/services/{NAMESPACE}/nothing")).status_code == 404
    assert len([call for call in service.cluster.calls if call[0] == "get"]) == 1


async def test_who_polls_results_that_nobody_has_asks_the_api_server_once(service):
    """H8: the same at /api/v1, which had no memory of what is not there."""
    path = f"/api/v1/namespaces/{NAMESPACE}/executions/{uuid4()}"
    answers = [
        await service.http.get(f"{path}/{what}") for what in ("files", "files/f", "log") for _ in range(10)
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert (
        len([call for call in service.cluster.calls if call[:2] == ("get", SERVICE_EXECUTIONS.plural)]) == 1
    )


async def test_an_execution_of_another_service_is_asked_for_once(service):
    service.cluster.define("other")
    name = (await service.post()).json()["id"]
    for _ in range(20):
        assert (await service.http.get(f"/services/{NAMESPACE}/other/{name}")).status_code == 404
    assert len([call for call in service.cluster.calls if call[:2] == ("get", "serviceexecutions")]) == 1


async def test_what_was_not_there_is_found_as_soon_as_the_watch_tells_of_it(service):
    service.bucket = TokenBucket(qps=1000, burst=1000)
    state = ServiceState(service.cluster)
    following = asyncio.create_task(state.run())
    identifier = str(uuid4())
    assert await state.execution(NAMESPACE, SERVICE, identifier) is None
    service.cluster.seed(
        SERVICE_EXECUTIONS, NAMESPACE, identifier, spec={"serviceRef": {"name": SERVICE}}, status={}
    )
    async with asyncio.timeout(2.5):  # shorter than what is remembered
        while await state.execution(NAMESPACE, SERVICE, identifier) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


@pytest.fixture
async def clients(tmp_path, monkeypatch):
    """Return the controller's clients of an API server that is not there."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
        "contexts: [{name: here, context: {cluster: here, user: me}}]\n"
        'clusters: [{name: here, cluster: {server: "http://127.0.0.1:9"}}]\n'
        "users: [{name: me, user: {token: sesame}}]\n"
    )
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    found = await Clients.connect()
    yield found
    await found.close()


async def test_no_log_and_no_event_takes_a_request_from_a_reconcile(clients):
    """Controller 2: 1,500 running programs made each request of a reconcile wait for 8 to 13 s."""
    waiting = []
    for client in (clients.logs, clients.events):
        bucket = client._transport._bucket
        waiting += [asyncio.create_task(bucket.acquire()) for _ in range(1500)]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        for _ in range(50):
            (await clients.work._transport._bucket.acquire()).release()
    assert sum(not task.done() for task in waiting) > 1000
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_events_are_dropped_rather_than_piled_up(clients):
    """Controller 35: each Event of a flood was a task in the row, for as long as it took."""
    clients.events._transport._bucket.pause(60)
    poster = EventPoster(clients.events, component="c", instance="i")
    about = ObjectIdentity("v1", "Pod", "flooder", "p", "u")
    tasks = [
        asyncio.create_task(poster.post(about, type_="Normal", reason="R", message=str(number)))
        for number in range(2000)
    ]
    await asyncio.sleep(0.1)
    posted = [task.result() for task in tasks if task.done()]
    assert len(posted) >= 1400
    assert not any(posted)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
