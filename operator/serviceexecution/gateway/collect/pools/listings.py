"""Keeps listings of data pools in memory: a pod asks for the same one again and again while it is filled."""

from collections import OrderedDict
from http import HTTPStatus
from typing import Final

from serviceexecution.gateway.caches.single_flight import SingleFlight
from serviceexecution.gateway.collect.pools.listing import PoolListing
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.store.errors import StoreError
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.pool_store import PoolStore

MAX_FILES: Final = 40_000
"""Of all listings in memory: some 500 bytes each."""


class PoolListings:
    """The listings that were asked for last."""

    def __init__(self, store: PoolStore) -> None:
        self._store = store
        self._known: OrderedDict[tuple[PoolReference, str], PoolListing] = OrderedDict()
        self._reads: SingleFlight[tuple[PoolReference, str], PoolListing] = SingleFlight()

    async def of(self, namespace: str, pool: UsedPool) -> PoolListing:
        """Return the listing of the state that an execution has recorded.

        Raises Problem 409 when it is damaged, StoreError when it cannot be read now.
        """
        if pool.index is None:
            return PoolListing(())
        key = (PoolReference(namespace, pool.uid), pool.index)
        found = self._known.get(key)
        if found is None:
            found = await self._reads.ask(key, lambda: self._read(*key))
            self._known[key] = found
        self._known.move_to_end(key)
        while len(self._known) > 1 and sum(map(len, self._known.values())) > MAX_FILES:
            self._known.popitem(last=False)
        return found

    async def _read(self, reference: PoolReference, digest: str) -> PoolListing:
        try:
            index = await self._store.read_index(reference, digest)
            return PoolListing(await self._store.files(reference, index))
        except StoreError as error:
            if error.retriable:
                raise
            raise damaged("The list of its files is missing or damaged.") from error


def damaged(detail: str) -> Problem:
    """Return the problem of content that will not come back: asking again does not help."""
    return Problem(HTTPStatus.CONFLICT, "DataPoolDamaged", detail)
