"""Removes what is stored of executions that are gone from the cluster: marked in one pass, deleted days later.

A restore of the cluster, a wrong kubeconfig or a CRD that was deleted by mistake looks as if many executions had gone
at once. Marks do no harm and are always made. Nothing is deleted when it would be a large share of all that is stored,
unless the deletions of those executions were seen.

What has an expiry noted is deleted when that has come, be its execution there or not, and never before.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from serviceexecution.store.errors import StoreError, StoreFullError
from serviceexecution.store.notes import Execution
from serviceexecution.store.store import ResultStore

TOMBSTONE_AGE: Final = timedelta(days=7)
LARGEST_SHARE: Final = 0.2
ALWAYS_ALLOWED: Final = 10
_FAILURES_IN_A_ROW: Final = 3
"""Deletions that fail one after the other until the store is taken to be away."""


@dataclass(frozen=True, slots=True)
class SweepRules:
    """How carefully to sweep."""

    tombstone_age: timedelta = TOMBSTONE_AGE
    """How long an execution must be gone before what is stored of it is deleted."""
    largest_share: float = LARGEST_SHARE
    """No more than this share of all stored executions is deleted in one pass, seen deletions apart."""
    always_allowed: int = ALWAYS_ALLOWED
    """As many are deleted whatever their share."""


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What one pass does, each sorted. ``refused`` says in a sentence what it does not do, "" when it does
    all."""

    mark: tuple[Execution, ...] = ()
    unmark: tuple[Execution, ...] = ()
    delete: tuple[Execution, ...] = ()
    expire: tuple[Execution, ...] = ()
    """Their results are deleted although they may still exist; the note about it stays."""
    forget: tuple[Execution, ...] = ()
    """The note about their expiry is deleted: they and their results have been gone for long."""
    refused: str = ""
    suspicious: str = ""
    """Why what is marked now will be refused when it is due, "" while that is not to be expected."""
    failed: str = ""
    """What the store did not do, "" when it did all."""


def plan_sweep(
    stored: Collection[Execution],
    live_uids: Collection[str],
    tombstones: Mapping[Execution, datetime],
    now: datetime,
    rules: SweepRules,
    *,
    expiries: Mapping[Execution, datetime] = MappingProxyType({}),
    seen: Collection[Execution] = (),
) -> SweepPlan:
    """Decide one pass.

    ``stored``, ``tombstones`` and ``expiries`` hold only executions of namespaces whose executions ``live_uids``
    lists. An execution is deleted only when it was marked in an earlier pass at least ``tombstone_age`` ago and
    is still gone. ``seen`` are those whose deletion was seen.
    """
    live = frozenset(live_uids)
    present = frozenset(stored)
    expired = {execution for execution, at in expiries.items() if at <= now}
    expire = sorted(expired & present)
    forget = sorted(
        execution
        for execution in expired - present
        if execution[1] not in live and now - expiries[execution] >= rules.tombstone_age
    )
    present -= expired
    gone = {execution for execution in present if execution[1] not in live}
    due = {
        execution
        for execution in gone & tombstones.keys()
        if now - tombstones[execution] >= rules.tombstone_age and execution not in expiries
    }
    mark = gone - tombstones.keys()
    unmark = tombstones.keys() - gone  # It is back, or nothing is stored of it any more
    most = max(rules.always_allowed, int(len(present) * rules.largest_share))
    refused = suspicious = ""
    known = frozenset(seen)
    if len(unseen := due - known) > most:
        refused = f"{len(unseen)} executions would be deleted at once, at most {most} may be"
        # Something is odd in the cluster: what is due can wait until a person has looked
        due &= known
        forget = []
    if len(mark - known) > most:
        suspicious = f"{len(mark - known)} of {len(present)} executions went at once, and nobody saw it"
    return SweepPlan(
        tuple(sorted(mark)),
        tuple(sorted(unmark)),
        tuple(sorted(due)),
        tuple(expire),
        tuple(forget),
        refused,
        suspicious,
    )


async def sweep(
    store: ResultStore,
    list_live_uids: Callable[[], Awaitable[Collection[str]]],
    now: datetime,
    *,
    namespaces: Collection[str] | None = None,
    rules: SweepRules | None = None,
) -> SweepPlan:
    """Run one pass and return what was done.

    ``list_live_uids`` lists the executions of ``namespaces`` (None: of all) from the API server itself, not
    from a cache, and raises when it cannot; it is called after the store was listed, so that a new execution
    is never taken for a vanished one. Raises what ``list_live_uids`` raises, and StoreError when the store cannot be
    listed; a pass that was cut short is simply run again.
    """

    def ours(execution: Execution) -> bool:
        return namespaces is None or execution[0] in namespaces

    stored = [execution async for execution in store.list_executions() if ours(execution)]
    marks = {one: mark for one, mark in (await store.notes.list_tombstones()).items() if ours(one)}
    noted = await store.notes.list_expiries()
    plan = plan_sweep(
        stored,
        await list_live_uids(),
        {execution: mark.marked_at for execution, mark in marks.items()},
        now,
        rules or SweepRules(),
        expiries={execution: at for execution, at in noted.items() if ours(execution)},
        seen=[execution for execution, mark in marks.items() if mark.seen],
    )
    return await _carry_out(plan, store, now)


async def _carry_out(plan: SweepPlan, store: ResultStore, now: datetime) -> SweepPlan:
    """Do what is planned and return what was done. What makes room comes first: a full store takes no marks."""
    expired, problem = await _each(store.delete_execution, plan.expire)
    deleted, other = await _each(store.delete_execution, plan.delete)
    failed = [problem, other]
    try:
        await store.notes.delete_tombstones([*plan.unmark, *deleted])
        await store.notes.delete_expiries(plan.forget)
    except StoreError as error:
        failed.append(str(error))
    marked: list[Execution] = []
    try:
        for namespace, uid in plan.mark:
            await store.notes.write_tombstone(namespace, uid, now)
            marked.append((namespace, uid))
    except StoreFullError:
        pass  # The next pass marks them, when there is room
    except StoreError as error:
        failed.append(str(error))
    return replace(
        plan,
        mark=tuple(marked),
        delete=tuple(deleted),
        expire=tuple(expired),
        failed="; ".join(filter(None, failed)),
    )


async def _each(
    action: Callable[[str, str], Awaitable[None]], executions: Iterable[Execution]
) -> tuple[list[Execution], str]:
    """Do it to each, and return to which it was done, and why not to the others.

    One that fails holds up no other. Several in a row mean that the store is away.
    """
    done: list[Execution] = []
    problem = ""
    in_a_row = 0
    for execution in executions:
        try:
            await action(*execution)
        except StoreError as error:
            problem = problem or str(error)
            in_a_row += 1
            if in_a_row == _FAILURES_IN_A_ROW:
                break
        else:
            in_a_row = 0
            done.append(execution)
    return done, problem
