"""Makes what a program has changed the state of its data pools, right before its output is committed."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final

from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.collect.pool_claims import NOT_KEPT, PoolClaim
from serviceexecution.gateway.collect.pools.main_ends import END_UNKNOWN, MainEnds
from serviceexecution.gateway.collect.pools.receiving import writer_of
from serviceexecution.gateway.data_pools.heads import PoolHeads
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.resources.executions.execution_status import StopReason
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.records import PoolIndex
from serviceexecution.store.records import POOL_WRITTEN, PoolWrite
from serviceexecution.store.store import ResultStore

CONFLICT: Final = "Conflict"
STOPPED: Final = "Stopped"
_STOPPED: Final = "The run was being stopped for its timeout."

StopReasonOf = Callable[[CollectorIdentity], Awaitable[str]]


class PoolSettling:
    """Settles the changes of all data pools of an execution."""

    def __init__(
        self, store: ResultStore, heads: PoolHeads, ends: MainEnds, stop_reason: StopReasonOf
    ) -> None:
        """``stop_reason`` tells why an execution is being stopped, as it is now."""
        self._store = store
        self._heads = heads
        self.ends = ends
        """Whose program has ended well."""
        self._stop_reason = stop_reason

    async def settle(
        self, identity: CollectorIdentity, claims: Mapping[str, PoolClaim]
    ) -> tuple[PoolWrite, ...]:
        """Move the heads of the data pools that were changed, and return what became of each.

        Nothing is moved for a program that has not succeeded. Repeating it changes nothing. Raises Problem 410, 503;
        StoreError; KubernetesError.
        """
        changed = [pool for pool in identity.pools if pool.writable and pool.property in claims]
        if not changed:
            return ()
        try:
            await self.ends.check(identity)
        except Problem as problem:
            # The controller may know of a success: this must not look like one
            if problem.code == END_UNKNOWN:
                return _none_written(changed, NOT_KEPT, problem.detail)
            if problem.status != HTTPStatus.CONFLICT:
                raise
            return ()
        stop = await self._stop_reason(identity)
        if stop == StopReason.TIMEOUT:
            # It has succeeded if it had ended before, which is judged later; what it says then is what was not done
            return _none_written(changed, STOPPED, _STOPPED)
        if stop:
            return ()
        return tuple([await self._settled(identity, pool, claims[pool.property]) for pool in changed])

    async def forget(self, identity: CollectorIdentity, settled: Iterable[PoolWrite]) -> None:
        """Forget what was brought for the states, once the output is committed. Raises StoreError."""
        written = {one.property: one.index or "" for one in settled if one.reason == POOL_WRITTEN}
        for pool in identity.pools:
            if pool.writable:
                reference = PoolReference(identity.reference.namespace, pool.uid)
                await self._store.pool_writes.forget(
                    reference, writer_of(identity), written.get(pool.property, "")
                )

    async def _settled(self, identity: CollectorIdentity, pool: UsedPool, claim: PoolClaim) -> PoolWrite:
        if not claim.index:
            return PoolWrite(property=pool.property, reason=claim.reason, message=claim.message)
        reference = PoolReference(identity.reference.namespace, pool.uid)
        brought = await self._store.pool_writes.brought(reference, writer_of(identity))
        if claim.index not in brought.indexes:
            return PoolWrite(
                property=pool.property, reason=NOT_KEPT, message="Its state is none of this run."
            )
        index = await self._store.pools.read_index(reference, claim.index)
        try:
            written = await self._heads.replace(reference, pool.index, index)
            if not written:
                written = await self._replaced_own(identity, reference, index)
        except Problem as problem:
            if problem.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}:
                raise
            return PoolWrite(
                property=pool.property, reason=problem.code, message=problem.detail, index=claim.index
            )
        if written:
            return PoolWrite(property=pool.property, reason=POOL_WRITTEN, index=claim.index)
        words = "Another writer has changed it since this run began. Its state stays, and so does that of this run."
        return PoolWrite(property=pool.property, reason=CONFLICT, message=words, index=claim.index)

    async def _replaced_own(
        self, identity: CollectorIdentity, reference: PoolReference, index: PoolIndex
    ) -> bool:
        """Replace the state of an earlier attempt of the same execution, which began with the same state as this one.

        Such an attempt's program had ended well, and the attempt failed for something else.
        """
        if identity.attempt == 1:
            return False
        earlier = await self._store.pool_writes.earlier_states(reference, writer_of(identity))
        head = await self._heads.current(reference)
        return head in earlier and await self._heads.replace(reference, head, index)


def _none_written(pools: Iterable[UsedPool], reason: str, message: str) -> tuple[PoolWrite, ...]:
    return tuple(PoolWrite(property=pool.property, reason=reason, message=message) for pool in pools)
