"""Back-ups restored as docs/operations.md has it: what the sweep refuses then, and what it does once it is allowed."""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from serviceexecution.controller.metrics import SWEEP_REFUSED
from serviceexecution.controller.sweep import Sweeper, sweep_rules
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore
from tests.support.api_server.server import ApiServer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def cluster(uids: Iterable[str]) -> ApiServer:
    """A cluster with these executions: an etcd of its own, empty but for them."""
    found = ApiServer(now=lambda: NOW)
    for uid in uids:
        found.put(SERVICE_EXECUTIONS, {"metadata": {"namespace": "team", "name": uid, "uid": uid}})
    return found


async def keep(store: ResultStore, uids: Iterable[str]) -> None:
    for uid in uids:
        await store.logs.write_stdout_result(ExecutionReference("team", uid, uid), uid.encode())


async def kept(store: ResultStore) -> set[str]:
    return {uid async for _, uid in store.list_executions()}


async def passes(kubernetes: ApiServer, store: ResultStore, *weeks: int, allow_bulk: bool = False) -> None:
    sweeper = Sweeper(
        cast("KubernetesClient", kubernetes),
        store,
        namespaces=(),
        rules=sweep_rules(retention=WEEK, allow_bulk=allow_bulk),
    )
    for week in weeks:
        await sweeper.once(NOW + week * WEEK)


def uids(name: str, number: int) -> list[str]:
    return [f"{name}-{one}" for one in range(number)]


async def test_objects_that_were_made_anew_let_the_sweep_refuse_until_it_is_allowed(tmp_path: Path) -> None:
    store = ResultStore.open(f"file://{tmp_path}/store", "c")
    old, new = uids("old", 60), uids("new", 25)
    await keep(store, [*old, *new])
    anew = cluster(new)  # With other uids than what is stored
    await passes(anew, store, 0, 1, 2, 52)
    assert await kept(store) == {*old, *new}
    assert SWEEP_REFUSED._value.get() == 1
    await passes(anew, store, 53, allow_bulk=True)
    assert await kept(store) == set(new)
    assert SWEEP_REFUSED._value.get() == 0
    await passes(anew, store, 54)
    assert await kept(store) == set(new)


async def test_an_older_snapshot_of_etcd_keeps_results_for_their_retention_and_more(tmp_path: Path) -> None:
    store = ResultStore.open(f"file://{tmp_path}/store", "c")
    before, after = uids("before", 30), uids("after", 40)
    await keep(store, [*before, *after])
    restored = cluster(before)
    await passes(restored, store, 0, 1, 2)
    assert await kept(store) == {*before, *after}, "more than half would go at once"
    later = uids("later", 30)
    await keep(store, later)
    for uid in later:
        restored.put(SERVICE_EXECUTIONS, {"metadata": {"namespace": "team", "name": uid, "uid": uid}})
    await passes(restored, store, 3)
    assert await kept(store) == {*before, *later}


async def test_results_of_executions_that_are_back_are_unmarked(tmp_path: Path) -> None:
    store = ResultStore.open(f"file://{tmp_path}/store", "c")
    await keep(store, uids("run", 40))
    await passes(cluster(()), store, 0)
    assert len(await store.notes.list_tombstones()) == 40
    await passes(cluster(uids("run", 40)), store, 1, 2)
    assert await store.notes.list_tombstones() == {}
    assert await kept(store) == set(uids("run", 40))


async def test_an_older_copy_of_the_store_brings_its_marks_back_and_deletes_nobody_alive(
    tmp_path: Path,
) -> None:
    place = tmp_path / "store"
    store = ResultStore.open(f"file://{place}", "c")
    early, gone = uids("early", 50), uids("gone", 5)
    await keep(store, [*early, *gone])
    await passes(cluster(early), store, 0)
    shutil.copytree(place, tmp_path / "copy")
    late = uids("late", 50)
    await keep(store, late)
    shutil.rmtree(place)
    (tmp_path / "copy").rename(place)
    await passes(cluster([*early, *late]), store, 1)
    assert await kept(store) == set(early), "what had been due before the copy is due after it"
