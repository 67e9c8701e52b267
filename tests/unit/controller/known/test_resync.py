"""The resync finds what watches missed, and notices a watch that delivers nothing."""

from datetime import UTC, datetime
from typing import cast

import pytest

from serviceexecution.controller.health import Health
from serviceexecution.controller.known import resync as resync_module
from serviceexecution.controller.known.cache import ObjectCache, Watched
from serviceexecution.controller.known.resync import Resync
from serviceexecution.controller.work.keys import ExecutionKey
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.kube.pages import PAGE_SIZE
from tests.support.api_server.server import ApiServer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = ExecutionKey("team", "run")


class Setting:
    """A resync with what it works on."""

    def __init__(self) -> None:
        self.kubernetes = ApiServer(now=lambda: NOW)
        self.cache = ObjectCache()
        self.health = Health(longest_pass=lambda: 0)
        self.queued: list[ExecutionKey] = []
        self.resync = Resync(
            cast("KubernetesClient", self.kubernetes),
            self.cache,
            self.health,
            self.queued.append,
            lambda _: None,
            namespaces=(),
        )

    def apply(self) -> None:
        self.kubernetes.put(
            SERVICE_EXECUTIONS,
            {
                "metadata": {"namespace": "team", "name": "run", "uid": "one"},
                "spec": {"runtime": {"docker": {"image": "image"}}},
            },
        )


@pytest.fixture
def setting() -> Setting:
    return Setting()


@pytest.fixture(autouse=True)
def no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resync_module, "WATCH_LAG_SECONDS", 0.0)


async def test_what_no_watch_told_of_is_queued(setting: Setting) -> None:
    setting.apply()
    await setting.resync.once()
    assert setting.queued == [KEY]
    assert KEY in setting.cache.executions


async def test_a_deletion_that_no_watch_told_of_is_found(setting: Setting) -> None:
    setting.apply()
    await setting.resync.once()
    setting.kubernetes.remove(SERVICE_EXECUTIONS, "team", "run")
    await setting.resync.once()
    assert KEY not in setting.cache.executions
    assert setting.queued == [KEY, KEY]


async def test_a_watch_that_delivers_nothing_fails_the_probe(setting: Setting) -> None:
    setting.apply()
    await setting.resync.check()
    assert "serviceexecutions" in setting.health.problem()


async def test_a_watch_that_delivers_late_recovers(setting: Setting) -> None:
    setting.apply()
    await setting.resync.check()
    body = setting.kubernetes.one(SERVICE_EXECUTIONS)
    assert body is not None
    setting.cache.note_watched(Watched.EXECUTIONS, body)
    await setting.resync.check()
    assert setting.health.problem() == ""


async def test_the_smallest_page_that_a_list_needed_is_remembered(setting: Setting) -> None:
    assert setting.resync.bearable_page == PAGE_SIZE
    setting.kubernetes.page_size = 31
    await setting.resync.once()
    setting.kubernetes.page_size = 125
    await setting.resync.once()
    assert setting.resync.bearable_page == 31
