"""What services have used by month: each execution once, whatever is killed in between."""

from datetime import UTC, datetime, timedelta

import pytest

from serviceexecution.store.errors import StoreError
from serviceexecution.store.store import ResultStore
from serviceexecution.store.usage import sums as usage_sums
from serviceexecution.store.usage.sums import UsageNote, fold_usage

NOW = datetime.now(UTC)
MONTH = NOW.strftime("%Y-%m")
LATER = timedelta(days=1)


async def noted(store, *uids, outcome="S", service="adder"):
    for uid in uids:
        await store.usage_sums.note("default", service, NOW, UsageNote(uid, outcome, 1500, 300))


async def sums(store, service="adder"):
    one = await store.usage_sums.month("default", service, MONTH)
    return one.executions, one.failures, one.cpu_milliseconds, one.mebibyte_seconds


async def test_each_execution_counts_once_however_often_it_is_noted(store: ResultStore):
    await noted(store, "a", "b", "a")
    await noted(store, "c", outcome="F")
    await noted(store, "d", service="other")
    assert await sums(store) == (3, 1, 4500, 900)
    assert await store.usage_sums.months("default", "adder") == (MONTH,)
    assert sorted(await store.usage_sums.services()) == [("default", "adder"), ("default", "other")]


async def test_sums_are_the_same_when_they_are_folded(store: ResultStore):
    await noted(store, *"abcdef")
    assert await fold_usage(store.usage_sums, NOW) == 0, "too new"
    assert await fold_usage(store.usage_sums, NOW + LATER) == 6
    assert await sums(store) == (6, 0, 9000, 1800)
    await noted(store, "g", outcome="C")
    assert await sums(store) == (7, 0, 10500, 2100)
    assert await fold_usage(store.usage_sums, NOW + LATER) == 1
    assert await sums(store) == (7, 0, 10500, 2100)


@pytest.mark.parametrize("killed_at", ["before", "after"])
async def test_a_sweep_that_is_killed_counts_nothing_twice(store: ResultStore, monkeypatch, killed_at):
    await noted(store, *"abc")
    objects = store.usage_sums._objects
    delete = objects.delete

    async def killed(keys):
        if keys and killed_at == "after":
            await delete(keys[:1])
        if keys:
            raise StoreError("killed")

    monkeypatch.setattr(objects, "delete", killed)
    with pytest.raises(StoreError):
        await fold_usage(store.usage_sums, NOW + LATER)
    assert await sums(store) == (3, 0, 4500, 900)
    monkeypatch.undo()
    await noted(store, "d")
    assert await fold_usage(store.usage_sums, NOW + LATER) == 1
    assert await sums(store) == (4, 0, 6000, 1200)


async def test_many_are_folded_in_steps_of_which_each_is_safe(store: ResultStore, monkeypatch):
    monkeypatch.setattr(usage_sums, "FOLDED_AT_ONCE", 2)
    await noted(store, *"abcde")
    await noted(store, "a", outcome="F")  # A second note of the same end, which went another way
    objects, lists = store.usage_sums._objects, []
    delete, list_batches = objects.delete, objects.list_batches
    deletions = []

    async def killed(keys):
        deletions.append(keys)
        if len(deletions) == 3:  # After the first step, in the second
            await delete(keys[:1])
            raise StoreError("killed")
        await delete(keys)

    def counted(prefix):
        lists.append(prefix)
        return list_batches(prefix)

    monkeypatch.setattr(objects, "delete", killed)
    with pytest.raises(StoreError):
        await fold_usage(store.usage_sums, NOW + LATER)
    assert (await sums(store))[0] == 5
    monkeypatch.setattr(objects, "list_batches", counted)
    assert await fold_usage(store.usage_sums, NOW + LATER) == 1
    assert (await sums(store))[0] == 5
    await noted(store, *"vwxyz")
    lists.clear()
    assert await fold_usage(store.usage_sums, NOW + LATER) == 5
    assert len(lists) == 2, "one for all steps, and one that finds nothing"
    assert (await sums(store))[0] == 10


async def test_two_controllers_that_note_the_same_end_count_it_once(store: ResultStore):
    await noted(store, "a")
    await store.usage_sums.note("default", "adder", NOW, UsageNote("a", "F", 99, 1))
    assert (await sums(store))[0] == 1


async def test_sums_outlive_executions_and_old_months_go(store: ResultStore):
    await noted(store, "a")
    await store.delete_execution("default", "a")
    assert [one async for one in store.list_executions()] == []
    assert (await sums(store))[0] == 1
    await fold_usage(store.usage_sums, NOW + timedelta(days=365))
    assert (await sums(store))[0] == 1
    await fold_usage(store.usage_sums, NOW + timedelta(days=800))
    assert await store.usage_sums.months("default", "adder") == ()


async def test_only_watched_namespaces_are_folded(store: ResultStore):
    await noted(store, "a")
    assert await fold_usage(store.usage_sums, NOW + LATER, namespaces=("elsewhere",)) == 0
    assert await fold_usage(store.usage_sums, NOW + LATER, namespaces=("default",)) == 1


async def test_numbers_of_pods_are_bounded(store: ResultStore):
    await store.usage_sums.note("default", "adder", NOW, UsageNote("a", "S", 10**30, -5))
    assert (await sums(store))[2:] == (10**15, 0)
