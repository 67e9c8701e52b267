"""Removes what no data pool uses any more, a retention after that was seen for the first time.

What is used is what the heads of data pools list, the indexes that executions which have not ended run with, and what
they have brought for states that they write. No key of a data pool is ever written twice, so that what was unused for a
retention is nothing that somebody begins to use. As for results, a cluster in which most data pools seem to be gone is
not touched.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from serviceexecution.fairness.work import THREADS
from serviceexecution.store.errors import StoreError
from serviceexecution.store.keys import POOLS
from serviceexecution.store.pools.keys import (
    BLOBS,
    CONTENTS,
    ROOTS,
    SECRETS,
    SHARD_PARTS,
    WRITES,
    PoolKeys,
    PoolReference,
)
from serviceexecution.store.pools.pool_store import PoolStore
from serviceexecution.store.pools.pool_writes import brought_by
from serviceexecution.store.storage.cleanup import delete_tree
from serviceexecution.store.storage.objects import Objects

LEAST_AGE: Final = timedelta(hours=1)
"""However short the retention is: an upload writes content first and names it afterwards."""
_NOTES: Final = "unused.json"
_GONE: Final = "gone"

Notes = dict[str, str]
"""What is unused, by its key below the data pool, and when that was first seen."""


@dataclass(frozen=True, slots=True)
class Running:
    """What executions that have not ended use."""

    indexes: Collection[str] = ()
    """The states of any data pool that their programs run with."""
    executions: Collection[str] = frozenset()
    """Their uids."""


@dataclass(frozen=True, slots=True)
class _Brought:
    used: set[str]
    indexes: Collection[str]


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """What one pass does with one data pool: what it deletes, and what it notes."""

    delete: tuple[str, ...]
    notes: Notes


def plan_pool(
    stored: Collection[str], used: Collection[str], notes: Mapping[str, str], now: datetime, age: timedelta
) -> PoolPlan:
    """Decide one pass over a data pool. Pure."""
    needed = frozenset(used)
    unused = sorted(key for key in stored if key != _NOTES and key not in needed)
    stamp = _stamp(now)
    since = {key: notes.get(key, stamp) for key in unused}
    kept = {key: seen for key, seen in since.items() if now - _time(seen, now) < age}
    return PoolPlan(tuple(key for key in unused if key not in kept), kept)


class PoolSweep:
    """Sweeps the data pools of one cluster. All methods raise StoreError."""

    def __init__(self, objects: Objects, cluster_id: str, pools: PoolStore) -> None:
        self._objects = objects
        self._cluster_id = cluster_id
        self._pools = pools

    async def list_pools(self) -> list[PoolReference]:
        """Return all data pools that anything is stored of."""
        root = f"{self._cluster_id}/{POOLS}"
        return [
            PoolReference(namespace, uid)
            for namespace in await self._objects.list_prefixes(root)
            for uid in await self._objects.list_prefixes(f"{root}/{namespace}")
        ]

    async def sweep_pool(
        self, pool: PoolReference, head: str | None, running: Running, now: datetime, age: timedelta
    ) -> int:
        """Sweep a data pool that exists.

        Returns how many objects were deleted. Nothing is when an index cannot be read, or when there are indexes and
        the data pool names none: a restored cluster may have lost its status.
        """
        keys = PoolKeys(self._cluster_id, pool)
        found = await self._objects.list(keys.root)
        # A secret goes with its pod, or with the data pool
        stored = {key for key in found if not key.startswith(f"{SECRETS}/")}
        if head is None and any(key.startswith(f"{ROOTS}/") for key in stored):
            return 0
        used: set[str] = set()
        if head is not None:
            await self._add_used(used, pool, head)
        brought = await THREADS.run(pool.namespace, _brought, stored, running.executions)
        used |= brought.used
        for digest in {*running.indexes, *brought.indexes}:
            if digest != head and f"{ROOTS}/{digest}" in stored:
                await self._add_used(used, pool, digest)
        notes = await self._notes(pool)
        # Beside the event loop: each replaced file leaves four objects, as many as a tenant likes
        plan = await THREADS.run(pool.namespace, plan_pool, stored, used, notes, now, max(age, LEAST_AGE))
        await self._objects.delete([f"{keys.root}/{key}" for key in plan.delete])
        await self._note(pool, notes, plan.notes)
        return len(plan.delete)

    async def gone_since(self, pool: PoolReference, now: datetime) -> datetime:
        """Return since when a data pool is known to be gone; it is noted at the first time."""
        notes = await self._notes(pool)
        if _GONE not in notes:
            await self._note(pool, notes, {_GONE: _stamp(now)})
            return now
        return _time(notes[_GONE], now)

    async def delete_pool(self, pool: PoolReference) -> None:
        """Delete everything that is stored of a data pool."""
        await delete_tree(self._objects, PoolKeys(self._cluster_id, pool).root)

    async def _add_used(self, used: set[str], pool: PoolReference, digest: str) -> None:
        """Add what a state uses. States share most of their shards: those that are known are not read again."""
        index = await self._pools.read_index(pool, digest)
        parts = {number: f"{SHARD_PARTS}/{shard}" for number, shard in index.root.shards.items()}
        new = {number: shard for number, shard in index.root.shards.items() if parts[number] not in used}
        unread = replace(index, root=index.root.model_copy(update={"shards": new}))
        async for files in self._pools.batches(pool, unread):
            for file in files:
                used |= {f"{BLOBS}/{file.blob}", f"{CONTENTS}/{file.sha256}"}
        used |= {f"{ROOTS}/{digest}", *parts.values()}

    async def _notes(self, pool: PoolReference) -> Notes:
        text = await self._objects.get(self._notes_key(pool))
        return await THREADS.run(pool.namespace, _decoded_notes, text or b"{}")

    async def _note(self, pool: PoolReference, before: Notes, notes: Notes) -> None:
        if notes != before:
            text = await THREADS.run(pool.namespace, json.dumps, notes)
            await self._objects.put(self._notes_key(pool), text.encode())

    def _notes_key(self, pool: PoolReference) -> str:
        return f"{PoolKeys(self._cluster_id, pool).root}/{_NOTES}"


def _brought(stored: Iterable[str], executions: Collection[str]) -> _Brought:
    """Return what executions that have not ended have brought for states that they write."""
    used: set[str] = set()
    names: list[str] = []
    for key in stored:
        place, _, name = key.rpartition("/")
        room, _, writer = place.partition("/")
        if room == WRITES and writer.partition("/")[0] in executions:
            used.add(key)
            names.append(name)
    brought = brought_by(names)
    return _Brought(used | {f"{BLOBS}/{blob}" for blob in brought.blobs.values()}, brought.indexes)


async def sweep_pools(
    sweep: PoolSweep,
    heads: Mapping[PoolReference, str | None],
    running: Running,
    now: datetime,
    *,
    namespaces: Collection[str] | None,
    age: timedelta,
    largest_share: float,
    always_allowed: int,
) -> "PoolSweepResult":
    """Run one pass over all data pools; ``heads`` are those that exist, asked for before this.

    Raises StoreError when the store cannot be listed; what happens to one data pool is no other's.
    """
    stored = [pool for pool in await sweep.list_pools() if namespaces is None or pool.namespace in namespaces]
    deleted, gone, failed = 0, [], ""
    for pool in stored:
        try:
            if pool in heads:
                deleted += await sweep.sweep_pool(pool, heads[pool], running, now, age)
            elif now - await sweep.gone_since(pool, now) >= max(age, LEAST_AGE):
                gone.append(pool)
        except StoreError as error:
            failed = str(error)
    most = max(always_allowed, int(len(stored) * largest_share))
    if len(gone) > most:
        refused = f"{len(gone)} data pools would be deleted at once, at most {most} may be"
        return PoolSweepResult(deleted, (), refused, failed)
    for pool in gone:
        await sweep.delete_pool(pool)
    return PoolSweepResult(deleted, tuple(gone), "", failed)


@dataclass(frozen=True, slots=True)
class PoolSweepResult:
    """What a pass has done: how many unused objects it deleted, and which data pools as a whole."""

    deleted: int
    gone: tuple[PoolReference, ...]
    refused: str
    """Why data pools that are gone were left, "" when none was."""
    failed: str
    """What the store did not do, "" when it did all."""


def _decoded_notes(text: bytes) -> Notes:
    try:
        found = json.loads(text)
    except ValueError:  # As if there were none: the time starts again
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")


def _time(text: str, otherwise: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return otherwise
    return found if found.tzinfo is not None else otherwise
