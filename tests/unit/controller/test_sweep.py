"""The sweep on a store in memory and a fake API server."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from serviceexecution.controller.sweep import Sweeper, sweep_rules
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore
from tests.unit.controller.fake_kubernetes import FakeKubernetes

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def kubernetes() -> FakeKubernetes:
    return FakeKubernetes(now=lambda: NOW)


@pytest.fixture
def store() -> ResultStore:
    return ResultStore.open("memory:///", "test")


def sweeper(kubernetes: FakeKubernetes, store: ResultStore, *namespaces: str) -> Sweeper:
    return Sweeper(
        cast("KubernetesClient", kubernetes),
        store,
        namespaces=namespaces,
        rules=sweep_rules(retention=WEEK, allow_bulk=False),
    )


async def keep(store: ResultStore, namespace: str, uid: str) -> None:
    await store.write_stdout_result(ExecutionReference(namespace, "run", uid), b"{}")


async def kept(store: ResultStore) -> set[tuple[str, str]]:
    return {entry async for entry in store.list_executions()}


async def test_results_go_a_retention_after_their_execution(
    kubernetes: FakeKubernetes, store: ResultStore
) -> None:
    kubernetes.put(SERVICE_EXECUTIONS, {"metadata": {"namespace": "team", "name": "run", "uid": "alive"}})
    await keep(store, "team", "alive")
    await keep(store, "team", "gone")
    await sweeper(kubernetes, store).once(NOW)
    await sweeper(kubernetes, store).once(NOW + timedelta(days=6))
    assert await kept(store) == {("team", "alive"), ("team", "gone")}
    await sweeper(kubernetes, store).once(NOW + WEEK)  # a new process: the mark was kept
    assert await kept(store) == {("team", "alive")}


async def test_other_namespaces_are_left_alone(kubernetes: FakeKubernetes, store: ResultStore) -> None:
    await keep(store, "mine", "gone")
    await keep(store, "theirs", "gone-too")
    both = sweeper(kubernetes, store)
    await both.once(NOW)
    mine = sweeper(kubernetes, store, "mine")
    await mine.once(NOW + WEEK)
    assert await kept(store) == {("theirs", "gone-too")}
    assert list(await store.list_tombstones()) == [("theirs", "gone-too")]


async def test_a_restored_backup_keeps_its_results(kubernetes: FakeKubernetes, store: ResultStore) -> None:
    for number in range(30):
        await keep(store, "team", f"old-{number}")
    await sweeper(kubernetes, store).once(NOW)
    await sweeper(kubernetes, store).once(NOW + 2 * WEEK)
    assert len(await kept(store)) == 30
