"""The watches of Jobs and pods: what they tell, and how they go on after whatever ends a stream."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.known import child_watches
from serviceexecution.controller.known.cache import ObjectCache, Watched
from serviceexecution.controller.known.child_watches import ChildWatches
from serviceexecution.controller.work.keys import ExecutionKey
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import LABEL_EXECUTION_UID
from tests.support.api_server.requests import refusal
from tests.support.api_server.server import ApiServer

KEY = ExecutionKey("team", "run")
PATIENCE = 5.0


class Setting:
    """Watches with what they work on, and one execution that is known."""

    def __init__(self) -> None:
        self.kubernetes = ApiServer()
        self.cache = ObjectCache()
        self.queued: list[ExecutionKey] = []
        client = cast("KubernetesClient", self.kubernetes)
        self.watches = ChildWatches(client, self.cache, self.queued.append, lambda _: None)
        body = self.kubernetes.put(
            SERVICE_EXECUTIONS,
            {
                "metadata": {"namespace": "team", "name": "run", "uid": "one"},
                "spec": {"runtime": {"docker": {"image": "image"}}},
            },
        )
        self.cache.put_execution(body)

    def pod(self, name: str = "pod", namespace: str = "team") -> None:
        owner: JsonObject = {"kind": "Job", "name": "job", "uid": "job-1", "controller": True}
        metadata: JsonObject = {"namespace": namespace, "name": name, "uid": name}
        metadata |= {"labels": {LABEL_EXECUTION_UID: "one"}, "ownerReferences": [owner]}
        self.kubernetes.put(PODS, {"metadata": metadata})

    def runs(self, phase: str) -> None:
        self.kubernetes.change(PODS, "team", "pod", {"status": {"phase": phase}})

    def phase(self) -> str | None:
        pod = self.cache.runs.pod("one", "team", "job-1")
        return None if pod is None else pod.status.phase

    async def until_phase(self, phase: str | None) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.phase() != phase:  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def until_watching(self, streams: int = 2) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.kubernetes.watches != streams:  # noqa: ASYNC110
                await asyncio.sleep(0)

    def lists(self) -> int:
        return sum(request.verb == "list" for request in self.kubernetes.requests)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_watches, "FIRST_PAUSE", 0.0)


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    setting = Setting()
    watching = asyncio.create_task(setting.watches.run(()))
    yield setting
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_pod_is_news_until_a_pass_would_see_the_same(setting: Setting) -> None:
    await setting.until_watching()
    setting.pod()
    await setting.until_phase("Pending")
    setting.runs("Running")
    await setting.until_phase("Running")
    assert setting.queued == [KEY, KEY]
    setting.kubernetes.change(PODS, "team", "pod", {"spec": {"priority": 1}})
    setting.kubernetes.remove(PODS, "team", "pod")
    await setting.until_phase(None)
    assert setting.queued == [KEY, KEY, KEY], "its priority is nothing that we read"


async def test_what_was_there_before_is_listed(setting: Setting) -> None:
    for number in range(5):
        setting.pod(f"pod-{number}")
    await setting.until_phase("Pending")
    await setting.until_watching()
    assert setting.cache.watched_version(Watched.PODS) == setting.kubernetes.version


async def test_a_stream_that_breaks_is_resumed_where_it_was(setting: Setting) -> None:
    setting.pod()
    await setting.until_watching()
    lists = setting.lists()
    setting.kubernetes.changes.break_off(KubernetesError("the connection failed"))
    setting.runs("Running")
    await setting.until_phase("Running")
    assert setting.lists() == lists


async def test_a_deletion_that_no_stream_tells_of_is_found_by_the_list(setting: Setting) -> None:
    """Fails where a list only adds: Kopf made no deletion up either."""
    setting.pod()
    await setting.until_phase("Pending")
    await setting.until_watching()
    setting.kubernetes.changes.watches.clear()
    watching = asyncio.create_task(setting.watches.run(()))
    setting.kubernetes.remove(PODS, "team", "pod")
    await setting.until_phase(None)
    watching.cancel()
    assert setting.queued[-1] == KEY


async def test_a_version_that_is_too_old_lists_anew(setting: Setting) -> None:
    setting.pod()
    await setting.until_phase("Pending")
    await setting.until_watching()
    lists = setting.lists()
    setting.kubernetes.changes.break_off(refusal(410, "too old resource version"))
    setting.runs("Running")
    setting.kubernetes.changes.forget(setting.kubernetes.version)
    await setting.until_phase("Running")
    assert setting.lists() > lists


async def test_an_api_server_that_refuses_is_asked_again(setting: Setting) -> None:
    setting.kubernetes.fail("list", PODS.plural, refusal(403, "not yet"))
    setting.kubernetes.fail("list", JOBS.plural)
    setting.pod()
    await setting.until_phase("Pending")
    await setting.until_watching()


async def test_namespaces_are_watched_one_by_one() -> None:
    setting = Setting()
    watching = asyncio.create_task(setting.watches.run(("team", "other")))
    await setting.until_watching(4)
    setting.pod()
    await setting.until_phase("Pending")
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert setting.kubernetes.watches == 0
