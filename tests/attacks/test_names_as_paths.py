"""C1: names that tenants write lead nowhere but to an object of their own namespace.

Fails on 9b98b50: there `..`, `?` and `#` in a name reached any object of the cluster, and the annotation of any
execution deleted the Secret of another run.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from serviceexecution.cli.cluster.api import ClusterApi
from serviceexecution.controller.clock import utc_now
from serviceexecution.controller.executions.ending import Ending
from serviceexecution.controller.store_reads import StoreReads
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.configuration.api_server import ApiServer
from serviceexecution.kube.configuration.credentials import Credentials
from serviceexecution.kube.configuration.kubeconfig import ClusterEntry, KubeContext, UserEntry
from serviceexecution.kube.errors import ImpossibleNameError, KubernetesError
from serviceexecution.kube.kinds import CONFIG_MAPS, JOBS, SECRETS, SERVICE_EXECUTIONS
from serviceexecution.kube.transport import Transport
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import ExecutionStatus
from serviceexecution.store.store import ResultStore

NAMES = [
    "../../team-b/configmaps/billing",
    "../../../../../apis/serviceexecution.dev/v1alpha1/namespaces/team-b/serviceexecutions/payroll",
    "..",
    ".",
    "",
    "a/b",
    "%2e%2e%2f%2e%2e",
    "a?fieldManager=x",
    "a#b",
    "a\\..\\b",
    "a\0b",
    "a\nb",
    "a\r\nHost: evil",
    "a b",
    "a;b",
    "a\uff0e\uff0e",
    "\udc80",
    "a" * 254,
    "a" * 1_000_000,
]
"""None of them can be the name of an object, and each of them was sent."""

MINE = "5c0f8a6e-0000-4000-8000-000000000001"


class Recorder:
    """An API server that has everything, and remembers what it was asked for, as it was sent."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.raw_path, await request.read()))
        return web.json_response({"metadata": {"name": "other"}, "data": {"password": '"hunter2"'}})


@pytest.fixture
async def server() -> AsyncIterator[tuple[Recorder, str]]:
    recorder = Recorder()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", recorder.answer)
    running = TestServer(application)
    await running.start_server()
    yield recorder, f"http://127.0.0.1:{running.port}"
    await running.close()


@pytest.fixture
async def client(server: tuple[Recorder, str]) -> AsyncIterator[KubernetesClient]:
    nobody = KubeContext("test", "default", ClusterEntry(server[1]), UserEntry())
    api_server = ApiServer(nobody.cluster, None, Credentials(nobody))
    transport = Transport(api_server, user_agent="test", qps=10_000, burst=10_000)
    found = KubernetesClient(transport)
    yield found
    await found.close()


@pytest.mark.parametrize("name", NAMES, ids=[str(number) for number in range(len(NAMES))])
class TestNoNameIsAPath:
    async def test_such_an_object_is_not_there_and_nobody_asks_for_it(self, server, client, name):
        assert await client.get(CONFIG_MAPS, "team-a", name) is None
        assert await client.get(CONFIG_MAPS, name, "mine") is None
        assert await client.patch(JOBS, "team-a", name, {}) is None
        assert await client.patch(SERVICE_EXECUTIONS, "team-a", name, {}, subresource="status") is None
        assert await client.delete(SECRETS, "team-a", name) is False
        assert server[0].asked == []

    async def test_what_must_be_there_is_refused_once_and_for_good(self, server, client, name):
        """Neither a token of a foreign account nor a foreign pod's log, and no try that is repeated."""
        with pytest.raises(KubernetesError) as caught:
            await client.create_token("team-a", name, audience="a", seconds=600)
        assert (caught.value.status, caught.value.retriable) == (404, False)
        assert len(str(caught.value)) < 300
        with pytest.raises(KubernetesError) as caught:
            async with client.log_lines("team-a", name, container="main", follow=False, since_time=None):
                pass
        assert caught.value.status == 404
        with pytest.raises(ImpossibleNameError):
            await client.list(JOBS, name)
        assert server[0].asked == []

    async def test_the_command_line_asks_for_none_either(self, name):
        http: Any = None  # whoever sent a request would need one
        api = ClusterApi(http, context="here")
        assert api.get(CONFIG_MAPS, "team-a", name) is None
        assert api.patch(CONFIG_MAPS, "team-a", name, {}, manager="sx") is None
        with pytest.raises(ImpossibleNameError):
            api.create_token("team-a", name, {})

    async def test_an_ended_execution_deletes_nothing_by_its_annotation(self, server, client, name):
        await end(client, annotations={"serviceexecution.dev/run-secret": name})
        assert server[0].asked == []


async def test_a_url_is_sent_as_it_is_built(server, client):
    await client.list(JOBS, "team-a", label_selector="a in (b, c),!d")
    assert server[0].asked[0][1].startswith("/apis/batch/v1/namespaces/team-a/jobs?")
    assert "labelSelector=a+in+%28b%2C+c%29%2C%21d" in server[0].asked[0][1]


class TestTheSecretOfAnotherRun:
    async def test_another_run_s_secret_is_not_deleted_in_the_same_namespace(self, server, client):
        """Mallory names the Secret of alice's run; her run would fail with SecretNotFound."""
        await end(client, annotations={"serviceexecution.dev/run-secret": "of-alice"})
        assert server[0].asked == []

    async def test_the_own_one_goes_and_no_other_of_its_name(self, server, client):
        annotations = {
            "serviceexecution.dev/run-secret": "mine",
            "serviceexecution.dev/run-secret-uid": "u-1",
        }
        await end(client, annotations=annotations)
        ((method, path, body),) = server[0].asked
        assert (method, path) == ("DELETE", "/api/v1/namespaces/team-a/secrets/mine")
        assert b'"preconditions":{"uid":"u-1"}' in body

    async def test_a_run_from_before_the_uid_was_recorded_loses_its_secret_as_ever(self, server, client):
        await end(client, annotations={"serviceexecution.dev/run-secret": "mine"})
        assert [asked[:2] for asked in server[0].asked] == [
            ("DELETE", "/api/v1/namespaces/team-a/secrets/mine")
        ]


async def end(client: KubernetesClient, *, annotations: dict[str, str]) -> None:
    """End an execution of team-a with the name "mine"."""
    execution = ServiceExecution.model_validate(
        {
            "metadata": {
                "name": "mine",
                "namespace": "team-a",
                "uid": MINE,
                "resourceVersion": "1",
                "creationTimestamp": datetime(2026, 11, 27, tzinfo=UTC),
                "annotations": annotations,
            },
            "spec": {"runtime": {"docker": {"image": "busybox"}}},
        }
    )
    store = ResultStore.open("memory:///", "cluster")
    await Ending(client, store, utc_now, StoreReads()).prepare(execution, ExecutionStatus())
