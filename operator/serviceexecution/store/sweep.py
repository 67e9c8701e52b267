"""Removes what is stored of executions that are gone from the cluster: marked in one pass, deleted days later.

A restore of the cluster, a wrong kubeconfig or a CRD that was deleted by mistake looks as if many executions
had gone at once. Then nothing is marked or deleted.

What has an expiry noted is deleted when that has come, be its execution there or not, and never before.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from serviceexecution.store.store import ResultStore

Execution = tuple[str, str]
"""Namespace and uid."""

TOMBSTONE_AGE: Final = timedelta(days=7)
LARGEST_SHARE: Final = 0.2
ALWAYS_ALLOWED: Final = 10


@dataclass(frozen=True, slots=True)
class SweepRules:
    """How carefully to sweep."""

    tombstone_age: timedelta = TOMBSTONE_AGE
    """How long an execution must be gone before what is stored of it is deleted."""
    largest_share: float = LARGEST_SHARE
    """No more than this share of all stored executions is marked, or deleted, in one pass."""
    always_allowed: int = ALWAYS_ALLOWED
    """As many are marked or deleted whatever their share."""


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


def plan_sweep(
    stored: Collection[Execution],
    live_uids: Collection[str],
    tombstones: Mapping[Execution, datetime],
    now: datetime,
    rules: SweepRules,
    *,
    expiries: Mapping[Execution, datetime] = MappingProxyType({}),
) -> SweepPlan:
    """Decide one pass.

    ``stored``, ``tombstones`` and ``expiries`` hold only executions of namespaces whose executions ``live_uids``
    lists. An execution is deleted only when it was marked in an earlier pass at least ``tombstone_age`` ago and
    is still gone.
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
    mark = sorted(gone - tombstones.keys())
    unmark = sorted(tombstones.keys() - gone)  # It is back, or nothing is stored of it any more
    delete = sorted(
        execution
        for execution in gone & tombstones.keys()
        if now - tombstones[execution] >= rules.tombstone_age and execution not in expiries
    )
    most = max(rules.always_allowed, int(len(present) * rules.largest_share))
    refused = []
    for what, executions in (("marked", mark), ("deleted", delete)):
        if len(executions) > most:
            refused.append(f"{len(executions)} executions would be {what} at once, at most {most} may be")
            executions.clear()
    if refused:
        # Something is odd in the cluster: what is due can wait until a person has looked
        mark.clear()
        delete.clear()
        forget.clear()
    return SweepPlan(
        tuple(mark), tuple(unmark), tuple(delete), tuple(expire), tuple(forget), "; ".join(refused)
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
    is never taken for a vanished one. Raises StoreError and what ``list_live_uids`` raises; a pass that was
    cut short is simply run again.
    """

    def ours(execution: Execution) -> bool:
        return namespaces is None or execution[0] in namespaces

    stored = [execution async for execution in store.list_executions() if ours(execution)]
    marked = await store.notes.list_tombstones()
    tombstones = {execution: since for execution, since in marked.items() if ours(execution)}
    noted = await store.notes.list_expiries()
    expiries = {execution: at for execution, at in noted.items() if ours(execution)}
    plan = plan_sweep(
        stored, await list_live_uids(), tombstones, now, rules or SweepRules(), expiries=expiries
    )
    for namespace, uid in plan.unmark:
        await store.notes.delete_tombstone(namespace, uid)
    for namespace, uid in plan.mark:
        await store.notes.write_tombstone(namespace, uid, now)
    for namespace, uid in plan.delete:
        await store.delete_execution(namespace, uid)
        await store.notes.delete_tombstone(namespace, uid)
    for namespace, uid in plan.expire:
        await store.delete_execution(namespace, uid)
    for namespace, uid in plan.forget:
        await store.notes.delete_expiry(namespace, uid)
    return plan
