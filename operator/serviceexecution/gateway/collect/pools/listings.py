"""Keeps listings of data pools in memory: a pod asks for the same one again and again while it is filled."""

from http import HTTPStatus
from typing import Final

from serviceexecution.gateway.caches.fair_room import FairCache
from serviceexecution.gateway.caches.single_flight import SingleFlight
from serviceexecution.gateway.collect.pools.listing import PoolListing
from serviceexecution.gateway.http.answers.in_thread import in_thread
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.store.errors import StoreError
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.pool_store import PoolStore

MAX_FILES: Final = 40_000
"""Of all listings in memory, each counted as one more: some 500 bytes for each."""


class PoolListings:
    """The listings that were asked for last."""

    def __init__(self, store: PoolStore, most_files: int) -> None:
        """``most_files`` is what a data pool may have: one list finds room however large it is."""
        self._store = store
        self._known: FairCache[PoolListing] = FairCache(max(MAX_FILES, most_files + 1))
        self._reads: SingleFlight[tuple[PoolReference, str], PoolListing] = SingleFlight()

    async def of(self, namespace: str, pool: UsedPool) -> PoolListing:
        """Return the listing of the state that an execution has recorded.

        Raises Problem 409 when it is damaged, 503; StoreError when it cannot be read now.
        """
        if pool.index is None:
            return PoolListing(())
        key = (PoolReference(namespace, pool.uid), pool.index)
        name = f"{pool.uid}/{pool.index}"
        found = self._known.get(namespace, name)
        if found is None:
            found = await self._reads.ask(key, lambda: self._read(*key))
            self._known.put(namespace, name, found, len(found) + 1)
        return found

    async def _read(self, reference: PoolReference, digest: str) -> PoolListing:
        try:
            index = await self._store.read_index(reference, digest)
            files = await self._store.files(reference, index)
        except StoreError as error:
            if error.retriable:
                raise
            raise damaged("The list of its files is missing or damaged.") from error
        return await in_thread(reference.namespace, PoolListing, files)


def damaged(detail: str) -> Problem:
    """Return the problem of content that will not come back: asking again does not help."""
    return Problem(HTTPStatus.CONFLICT, "DataPoolDamaged", detail)
