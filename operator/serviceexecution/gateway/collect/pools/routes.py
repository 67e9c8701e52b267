"""/collect/v1/pools: what the pod of an execution asks about its data pools, each named by its property."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from serviceexecution.fairness.turns import FairTurns
from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.collect.pools.content import MAX_ANSWER_BYTES, PoolContent
from serviceexecution.gateway.collect.pools.listings import PoolListings
from serviceexecution.gateway.http.answers.byte_ranges import parse_range
from serviceexecution.gateway.http.answers.deferred_response import DeferredResponse
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.pool_store import PoolStore

READS: Final = 16
"""Answers with content that are sent at the same time; each holds a megabyte or two of it."""
READS_PER_NAMESPACE: Final = 8
_WAITING: Final = 256
_WAIT_SECONDS: Final = 20.0
ANSWER_SECONDS: Final = 300.0
"""In which an answer has to be taken. What is left is asked for again: a slow pod has no turn for ever."""

Caller = Callable[[Request], AbstractAsyncContextManager[CollectorIdentity]]


def add_pool_routes(router: APIRouter, store: PoolStore, caller: Caller, *, most_files: int) -> None:
    """Add the routes with which pods read data pools, of so many files at most."""
    listings, content = PoolListings(store, most_files), PoolContent(store)
    turns = FairTurns(READS, per_key=READS_PER_NAMESPACE, waiting_per_key=_WAITING)

    @router.get("/pools/{name}/index")
    async def index(request: Request, name: str) -> Response:
        async with caller(request) as identity:
            listing = await listings.of(identity.reference.namespace, pool_of(identity, name))
            return StreamingResponse(_given(listing.text()), media_type="application/x-ndjson")

    @router.get("/pools/{name}/content")
    async def get_content(request: Request, name: str) -> Response:
        async with caller(request) as identity:
            pool, namespace = pool_of(identity, name), identity.reference.namespace
            reference = PoolReference(namespace, pool.uid)

            async def answer() -> Response:
                listing = await listings.of(namespace, pool)
                wanted = parse_range(request.headers.get("range"), listing.total_bytes)
                if wanted is None or wanted == "unsatisfiable":
                    raise Problem(
                        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                        "RangeNotSatisfiable",
                        f"Ask for a range of the {listing.total_bytes} bytes of the data pool.",
                    )
                start, end = wanted[0], min(wanted[1], wanted[0] + MAX_ANSWER_BYTES)
                chunks = await content.open(reference, listing, start, end)
                headers = {
                    "Content-Length": str(end - start),
                    "Content-Range": f"bytes {start}-{end - 1}/{listing.total_bytes}",
                    "Content-Type": "application/octet-stream",
                }
                return StreamingResponse(chunks, HTTPStatus.PARTIAL_CONTENT, headers=headers)

            return DeferredResponse(
                turns, namespace, answer, wait_seconds=_WAIT_SECONDS, seconds=ANSWER_SECONDS
            )


def pool_of(identity: CollectorIdentity, name: str) -> UsedPool:
    """Return the pool of that property as the execution has recorded it; raises Problem 404."""
    found = next((pool for pool in identity.pools if pool.property == name), None)
    if found is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "NoSuchDataPool",
            "The execution has recorded no data pool for this property.",
        )
    return found


async def _given(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Give the pieces, and let others work in between."""
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)
