"""The sweep on a store in memory and an API server in memory."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import cast

import pytest

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.controller.deletions import SeenDeletions
from serviceexecution.controller.sweep import Sweeper, sweep_rules
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError
from serviceexecution.store.notes import Mark
from serviceexecution.store.store import ResultStore
from tests.support.api_server.server import ApiServer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def kubernetes() -> ApiServer:
    return ApiServer(now=lambda: NOW)


@pytest.fixture
def store() -> ResultStore:
    return ResultStore.open("memory:///", "test")


def sweeper(kubernetes: ApiServer, store: ResultStore, *namespaces: str) -> Sweeper:
    return Sweeper(
        cast("KubernetesClient", kubernetes),
        store,
        namespaces=namespaces,
        rules=sweep_rules(retention=WEEK, allow_bulk=False),
    )


async def keep(store: ResultStore, namespace: str, uid: str) -> None:
    await store.logs.write_stdout_result(ExecutionReference(namespace, "run", uid), b"{}")


async def kept(store: ResultStore) -> set[tuple[str, str]]:
    return {entry async for entry in store.list_executions()}


async def test_results_go_a_retention_after_their_execution(
    kubernetes: ApiServer, store: ResultStore
) -> None:
    kubernetes.put(SERVICE_EXECUTIONS, {"metadata": {"namespace": "team", "name": "run", "uid": "alive"}})
    await keep(store, "team", "alive")
    await keep(store, "team", "gone")
    await sweeper(kubernetes, store).once(NOW)
    await sweeper(kubernetes, store).once(NOW + timedelta(days=6))
    assert await kept(store) == {("team", "alive"), ("team", "gone")}
    await sweeper(kubernetes, store).once(NOW + WEEK)  # a new process: the mark was kept
    assert await kept(store) == {("team", "alive")}


async def test_other_namespaces_are_left_alone(kubernetes: ApiServer, store: ResultStore) -> None:
    await keep(store, "mine", "gone")
    await keep(store, "theirs", "gone-too")
    both = sweeper(kubernetes, store)
    await both.once(NOW)
    mine = sweeper(kubernetes, store, "mine")
    await mine.once(NOW + WEEK)
    assert await kept(store) == {("theirs", "gone-too")}
    assert list(await store.notes.list_tombstones()) == [("theirs", "gone-too")]


async def test_a_restored_backup_keeps_its_results(kubernetes: ApiServer, store: ResultStore) -> None:
    for number in range(30):
        await keep(store, "team", f"old-{number}")
    await sweeper(kubernetes, store).once(NOW)
    await sweeper(kubernetes, store).once(NOW + 2 * WEEK)
    assert len(await kept(store)) == 30


async def test_an_expired_result_goes_while_its_execution_stays(
    kubernetes: ApiServer, store: ResultStore
) -> None:
    kubernetes.put(SERVICE_EXECUTIONS, {"metadata": {"namespace": "team", "name": "run", "uid": "alive"}})
    await keep(store, "team", "alive")
    await keep(store, "team", "gone")
    await store.notes.write_expiry("team", "alive", NOW + timedelta(days=1))
    await store.notes.write_expiry("team", "gone", NOW + 3 * WEEK)
    await sweeper(kubernetes, store).once(NOW)
    assert await kept(store) == {("team", "alive"), ("team", "gone")}
    await sweeper(kubernetes, store).once(NOW + 2 * WEEK)
    assert await kept(store) == {("team", "gone")}, "no tombstone deletes before the expiry"
    assert await store.notes.read_expiry("team", "alive") == NOW + timedelta(days=1)
    await sweeper(kubernetes, store).once(NOW + 3 * WEEK)
    assert await kept(store) == set()


def definition(name: str, *revisions: str, source: str = "") -> JsonObject:
    """Return a service as the API server has it; each revision was built from the archive of its name."""
    spec: JsonObject = {"source": {"archive": {"digest": f"sha256:{digest(source)}"}}} if source else {}
    listed: list[JsonValue] = [{"name": one, "sourceDigest": f"sha256:{digest(one)}"} for one in revisions]
    return {
        "metadata": {"namespace": "team", "name": name, "uid": f"uid-{name}"},
        "spec": spec,
        "status": {"revisions": listed},
    }


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


async def upload(store: ResultStore, *texts: str) -> None:
    async def chunks(text: str) -> AsyncIterator[bytes]:
        yield text.encode()

    for text in texts:
        await store.sources.write_source("team", digest(text), chunks(text))


async def uploaded(store: ResultStore) -> set[str]:
    return {found for _, found in await store.sources.list_sources()}


async def test_builds_live_as_long_as_their_revision_is_listed(
    kubernetes: ApiServer, store: ResultStore
) -> None:
    kubernetes.put(SERVICE_DEFINITIONS, definition("adder", "r2", "r3"))
    for revision in ("r1", "r2", "r3"):
        await keep(store, "team", f"uid-adder.{revision}")
    await keep(store, "team", "uid-gone.r1")
    await sweeper(kubernetes, store).once(NOW)
    await sweeper(kubernetes, store).once(NOW + WEEK)
    assert await kept(store) == {("team", "uid-adder.r2"), ("team", "uid-adder.r3")}


async def test_sources_live_as_long_as_they_are_named(kubernetes: ApiServer, store: ResultStore) -> None:
    await upload(store, "r1", "wanted", "forgotten")
    kubernetes.put(SERVICE_DEFINITIONS, definition("adder", "r1", source="wanted"))
    uploaded_at = max(one.uploaded_at for one in (await store.sources.list_sources()).values())
    await sweeper(kubernetes, store).once(uploaded_at + timedelta(days=6))
    assert len(await uploaded(store)) == 3
    await sweeper(kubernetes, store).once(uploaded_at + WEEK)
    assert await uploaded(store) == {digest("r1"), digest("wanted")}


async def test_a_source_of_another_namespace_is_another_one(
    kubernetes: ApiServer, store: ResultStore
) -> None:
    await upload(store, "a")
    elsewhere = definition("adder", source="a")
    elsewhere["metadata"] = {"namespace": "other", "name": "adder", "uid": "uid"}
    kubernetes.put(SERVICE_DEFINITIONS, elsewhere)
    later = datetime.now(UTC) + 2 * WEEK
    await sweeper(kubernetes, store, "other").once(later)
    assert await uploaded(store) == {digest("a")}, "it looks after one namespace"
    await sweeper(kubernetes, store).once(later)
    assert await uploaded(store) == set()


async def test_sources_are_left_alone_when_all_services_seem_to_be_gone(
    kubernetes: ApiServer, store: ResultStore
) -> None:
    await upload(store, *(str(number) for number in range(30)))
    await sweeper(kubernetes, store).once(datetime.now(UTC) + 2 * WEEK)
    assert len(await uploaded(store)) == 30


async def test_a_large_deletion_that_was_seen_is_swept_after_its_days(
    kubernetes: ApiServer, store: ResultStore
) -> None:
    """As `kubectl delete` of 90 of 100 executions, or short times to live."""
    for number in range(100):
        await keep(store, "team", f"uid-{number}")
        if number >= 90:
            body: JsonObject = {"namespace": "team", "name": f"run-{number}", "uid": f"uid-{number}"}
            kubernetes.put(SERVICE_EXECUTIONS, {"metadata": body})
    seen = SeenDeletions(store, clock=lambda: NOW, nothing_left=lambda: False, always_allowed=20)
    for number in range(90):
        seen.saw("team", f"uid-{number}")
    await seen.note()
    await sweeper(kubernetes, store).once(NOW + timedelta(days=6))
    assert len(await kept(store)) == 100
    await sweeper(kubernetes, store).once(NOW + WEEK)
    assert await kept(store) == {("team", f"uid-{number}") for number in range(90, 100)}


async def test_when_nothing_is_left_nobody_says_that_it_was_wanted(
    kubernetes: ApiServer, store: ResultStore
) -> None:
    """As when the CRD is deleted by mistake: the watch tells of each execution."""
    seen = SeenDeletions(store, clock=lambda: NOW, nothing_left=lambda: True, always_allowed=20)
    for number in range(30):
        await keep(store, "team", f"uid-{number}")
        seen.saw("team", f"uid-{number}")
    await seen.note()
    await sweeper(kubernetes, store).once(NOW)
    await sweeper(kubernetes, store).once(NOW + 2 * WEEK)
    assert len(await kept(store)) == 30


async def test_seen_deletions_wait_for_a_store_that_is_away(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = SeenDeletions(store, clock=lambda: NOW, nothing_left=lambda: False, always_allowed=20)
    seen.saw("team", "uid")
    with monkeypatch.context() as away:

        async def refused(*_: object, **__: object) -> None:
            raise StoreError("cannot write: away")

        away.setattr(store.notes, "write_tombstone", refused)
        with pytest.raises(StoreError):
            await seen.note()
    await seen.note()
    assert await store.notes.list_tombstones() == {("team", "uid"): Mark(NOW, seen=True)}
