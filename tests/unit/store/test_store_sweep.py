from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError, StoreFullError
from serviceexecution.store.notes import Execution, Mark
from serviceexecution.store.records import Expiry, Tombstone
from serviceexecution.store.storage.objects import Objects
from serviceexecution.store.store import ResultStore
from serviceexecution.store.sweep import SweepPlan, SweepRules, plan_sweep, sweep

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RULES = SweepRules(tombstone_age=timedelta(days=7), largest_share=0.2, always_allowed=2)
DAY = timedelta(days=1)
NUMBERS = st.integers(0, 60)


def executions(count):
    return [("ns", f"uid-{number:04}") for number in range(count)]


def uids(found):
    return {uid for _, uid in found}


def test_gone_is_marked_then_deleted_after_its_days():
    stored = executions(3)
    live = uids(stored[1:])
    assert plan_sweep(stored, live, {}, NOW, RULES) == SweepPlan(mark=(stored[0],))
    marked = {stored[0]: NOW}
    assert plan_sweep(stored, live, marked, NOW + 6 * DAY, RULES) == SweepPlan()
    assert plan_sweep(stored, live, marked, NOW + 7 * DAY, RULES) == SweepPlan(delete=(stored[0],))


def test_a_result_whose_execution_is_back_is_unmarked():
    stored = executions(1)
    plan = plan_sweep(stored, uids(stored), {stored[0]: NOW - 30 * DAY}, NOW, RULES)
    assert plan == SweepPlan(unmark=(stored[0],))


@pytest.mark.parametrize(
    ("count", "gone", "refused"), [(100, 20, False), (100, 21, True), (5, 2, False), (5, 3, True)]
)
def test_results_are_never_deleted_in_bulk(count, gone, refused):
    stored = executions(count)
    live = uids(stored[gone:])
    plan = plan_sweep(stored, live, {}, NOW, RULES)
    assert (bool(plan.suspicious), len(plan.mark)) == (refused, gone), "a mark does no harm"
    old = dict.fromkeys(stored[:gone], NOW - 30 * DAY)
    plan = plan_sweep(stored, live, old, NOW, RULES)
    assert (bool(plan.refused), len(plan.delete)) == (refused, 0 if refused else gone)


def test_after_a_restore_nothing_is_ever_deleted():
    stored = executions(100)
    marked = dict.fromkeys(stored, NOW - 30 * DAY)
    plan = plan_sweep(stored, set(), marked, NOW, RULES)
    assert plan.refused == "100 executions would be deleted at once, at most 20 may be"
    assert (plan.mark, plan.delete) == ((), ())


def test_deletions_that_were_seen_are_no_restored_backup():
    stored = executions(100)
    marked = dict.fromkeys(stored, NOW - 30 * DAY)
    plan = plan_sweep(stored, set(), marked, NOW, RULES, seen=stored[:90])
    assert (plan.delete, plan.refused) == (tuple(stored), "")
    plan = plan_sweep(stored, set(), marked, NOW, RULES, seen=stored[:70])
    assert plan.delete == tuple(stored[:70])
    assert plan.refused == "30 executions would be deleted at once, at most 20 may be"


@pytest.mark.parametrize(
    ("per_hour", "lifetime", "kept"), [(10, 1 / 6, 0), (3, 1 / 6, 0), (10, 1 / 6, 5), (10, 2, 0)]
)
def test_short_lifetimes_are_swept_for_a_month(per_hour, lifetime, kept):
    """A sweep each hour; no more stays than a week's results."""
    rules = SweepRules(tombstone_age=7 * DAY, largest_share=0.5, always_allowed=2)
    born: dict[Execution, float | None] = {("ns", f"keep-{number}"): None for number in range(kept)}
    marks: dict[Execution, datetime] = {}
    refused = 0
    for hour in range(30 * 24):
        born |= {("ns", f"{hour}-{number}"): hour + number / per_hour for number in range(per_hour)}
        live = {uid for (_, uid), at in born.items() if at is None or hour + 1 - at < lifetime}
        now = NOW + timedelta(hours=hour + 1)
        plan = plan_sweep(born.keys(), live, marks, now, rules)
        refused += bool(plan.refused)
        marks |= dict.fromkeys(plan.mark, now)
        for execution in plan.delete:
            del born[execution], marks[execution]
    assert refused == 0
    assert len(born) <= kept + per_hour * (7 * 24 + 2 + lifetime)


@given(st.sets(NUMBERS), st.sets(NUMBERS), st.dictionaries(NUMBERS, st.integers(0, 20)))
def test_whatever_happens_the_living_stay(stored, live, ages):
    marked = {("ns", str(number)): NOW - age * DAY for number, age in ages.items()}
    plan = plan_sweep([("ns", str(n)) for n in stored], {str(n) for n in live}, marked, NOW, RULES)
    assert not uids(plan.mark + plan.delete) & {str(n) for n in live}
    assert all(NOW - marked[execution] >= 7 * DAY for execution in plan.delete)
    assert len(plan.delete) <= max(2, len(stored) // 5)
    assert not set(plan.mark) & set(plan.delete)
    assert uids(plan.unmark) == uids(marked) - {str(n) for n in stored - live}


async def test_passes_over_a_store(store):
    for namespace, uid in (("ns", "gone"), ("ns", "live"), ("other", "not-ours")):
        await store.logs.of(ExecutionReference(namespace, "n", uid), 1).write(1, b"x\n")

    async def live():
        return {"live"}

    first = await sweep(store, live, NOW, namespaces={"ns"}, rules=RULES)
    assert first == SweepPlan(mark=(("ns", "gone"),))
    await store.notes.write_tombstone("other", "not-ours", NOW)
    assert await store.notes.list_tombstones() == {
        ("ns", "gone"): Mark(NOW),
        ("other", "not-ours"): Mark(NOW),
    }
    assert await sweep(store, live, NOW + DAY, namespaces={"ns"}, rules=RULES) == SweepPlan()
    last = await sweep(store, live, NOW + 8 * DAY, namespaces={"ns"}, rules=RULES)
    assert last == SweepPlan(delete=(("ns", "gone"),))
    assert [found async for found in store.list_executions()] == [("ns", "live"), ("other", "not-ours")]
    assert await store.notes.list_tombstones() == {("other", "not-ours"): Mark(NOW)}


async def test_nothing_happens_when_the_cluster_cannot_be_listed():
    store = ResultStore.open("memory:///", "c")
    await store.logs.of(ExecutionReference("ns", "n", "u"), 1).write(1, b"x\n")

    async def live():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await sweep(store, live, NOW)
    assert await store.notes.list_tombstones() == {}


async def test_unreadable_tombstone_counts_as_none(tmp_path):
    store = ResultStore.open(f"file://{tmp_path}/store", "c")
    await store.logs.of(ExecutionReference("ns", "n", "u"), 1).write(1, b"x\n")
    of_an_earlier_version = tmp_path / "store" / "c" / "!tombstones" / "ns" / "u"
    of_an_earlier_version.parent.mkdir(parents=True)
    of_an_earlier_version.write_text("{")
    assert await store.notes.list_tombstones() == {}

    async def live():
        return set()

    assert (await sweep(store, live, NOW + 30 * DAY)).mark == (("ns", "u"),)
    assert [found async for found in store.list_executions()] == [("ns", "u")]


def test_an_expiry_counts_whether_the_execution_is_there_or_not():
    stored = executions(3)
    ages = dict.fromkeys(stored[:2], NOW)
    plan = plan_sweep(stored, {"uid-0000"}, {stored[2]: NOW}, NOW, RULES, expiries=ages)
    assert plan.expire == (stored[0], stored[1])
    assert (plan.mark, plan.delete) == ((), ())


def test_no_tombstone_deletes_before_the_expiry():
    stored = executions(2)
    marked = dict.fromkeys(stored, NOW - 30 * DAY)
    plan = plan_sweep(stored, set(), marked, NOW, RULES, expiries={stored[0]: NOW + DAY})
    assert plan.delete == (stored[1],)
    assert plan.expire == ()


def test_the_note_stays_as_long_as_the_execution_and_its_retention():
    one = ("ns", "uid-0000")
    noted = {one: NOW}
    assert plan_sweep([], {one[1]}, {}, NOW + 99 * DAY, RULES, expiries=noted).forget == ()
    assert plan_sweep([], set(), {}, NOW + 6 * DAY, RULES, expiries=noted).forget == ()
    assert plan_sweep([], set(), {}, NOW + 7 * DAY, RULES, expiries=noted).forget == (one,)


async def test_an_expired_result_leaves_a_note_that_it_was_there(store):
    reference = ExecutionReference("ns", "n", "u")
    await store.logs.write_stdout_result(reference, b"1")
    await store.notes.write_expiry("ns", "u", NOW + DAY)

    async def live():
        return {"u"}

    assert await sweep(store, live, NOW, rules=RULES) == SweepPlan()
    assert await store.logs.read_stdout_result(reference) == b"1"
    assert await sweep(store, live, NOW + DAY, rules=RULES) == SweepPlan(expire=(("ns", "u"),))
    assert await store.logs.read_stdout_result(reference) is None
    assert [found async for found in store.list_executions()] == []
    assert await store.notes.read_expiry("ns", "u") == NOW + DAY
    assert await sweep(store, live, NOW + 2 * DAY, rules=RULES) == SweepPlan()
    assert await store.notes.read_expiry("ns", "other") is None


@pytest.fixture
def counted():
    """Return a store in memory, and how often it was asked for an object."""
    objects = CountedObjects.open("memory:///", {})
    return ResultStore(objects, "c"), objects


class CountedObjects(Objects):
    gets = 0
    lists = 0
    full = False

    async def get(self, key):
        self.gets += 1
        return await super().get(key)

    async def put(self, key, data):
        if self.full:
            raise StoreFullError(f"cannot write {key}: No space left on device")
        return await super().put(key, data)

    def list_batches(self, prefix):
        self.lists += 1
        return super().list_batches(prefix)


async def nobody():
    return set()


async def test_a_sweep_reads_no_note_one_by_one(counted):
    store, objects = counted
    for number in range(500):
        await store.notes.write_tombstone("ns", f"gone-{number}", NOW, seen=number % 2 == 0)
        await store.notes.write_expiry("ns", f"kept-{number}", NOW + 99 * DAY)
        await store.logs.write_stdout_result(ExecutionReference("ns", "n", f"gone-{number}"), b"1")
    objects.gets = 0
    assert await sweep(store, nobody, NOW + DAY, rules=RULES) == SweepPlan()
    assert objects.gets == 0
    assert objects.lists == 2
    assert (await store.notes.list_tombstones())["ns", "gone-0"] == Mark(NOW, seen=True)


async def test_a_full_store_is_swept(counted):
    store, objects = counted
    for number in range(10):
        await store.logs.write_stdout_result(ExecutionReference("ns", "n", f"uid-{number}"), b"1")
    for number in range(2):
        await store.notes.write_tombstone("ns", f"uid-{number}", NOW)
    await store.notes.write_expiry("ns", "uid-2", NOW)
    objects.full = True
    plan = await sweep(store, nobody, NOW + 8 * DAY, rules=RULES)
    assert plan.delete == (("ns", "uid-0"), ("ns", "uid-1"))
    assert plan.expire == (("ns", "uid-2"),)
    assert (plan.mark, plan.failed) == ((), "")
    assert len([one async for one in store.list_executions()]) == 7
    objects.full = False
    assert len((await sweep(store, nobody, NOW + 8 * DAY, rules=RULES)).mark) == 7


async def test_one_result_that_cannot_be_deleted_holds_up_no_other(counted, monkeypatch):
    store, _ = counted
    real = store.delete_execution

    async def delete(namespace, uid):
        if uid == "uid-0":
            raise StoreError("cannot delete uid-0: Permission denied")
        await real(namespace, uid)

    monkeypatch.setattr(store, "delete_execution", delete)
    for number in range(2):
        await store.logs.write_stdout_result(ExecutionReference("ns", "n", f"uid-{number}"), b"1")
        await store.notes.write_tombstone("ns", f"uid-{number}", NOW)
    plan = await sweep(store, nobody, NOW + 8 * DAY, rules=RULES)
    assert plan.delete == (("ns", "uid-1"),)
    assert plan.failed == "cannot delete uid-0: Permission denied"
    assert list(await store.notes.list_tombstones()) == [("ns", "uid-0")]


async def test_notes_of_an_earlier_version_count(tmp_path):
    store = ResultStore.open(f"file://{tmp_path}/store", "c")
    for kind, note in (("tombstones", Tombstone(marked_at=NOW)), ("expiries", Expiry(expires_at=NOW))):
        place = tmp_path / "store" / "c" / f"!{kind}" / "ns" / "u"
        place.parent.mkdir(parents=True)
        place.write_text(note.model_dump_json(by_alias=True))
    assert await store.notes.list_tombstones() == {("ns", "u"): Mark(NOW)}
    assert await store.notes.list_expiries() == {("ns", "u"): NOW}
    await store.notes.delete_tombstones([("ns", "u")])
    await store.notes.delete_expiries([("ns", "u")])
    assert (await store.notes.list_tombstones(), await store.notes.list_expiries()) == ({}, {})


async def test_a_deletion_that_was_seen_after_it_was_missed_counts_as_seen(store):
    await store.notes.write_tombstone("ns", "u", NOW)
    await store.notes.write_tombstone("ns", "u", NOW + DAY, seen=True)
    assert await store.notes.list_tombstones() == {("ns", "u"): Mark(NOW, seen=True)}
