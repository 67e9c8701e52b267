"""What data pools keep of replaced content has its bound."""

import asyncio
from typing import cast

import pytest

from serviceexecution.gateway.data_pools.kept import (
    LOOK_AGAIN_SECONDS,
    REFUSED_LOOK_SECONDS,
    TIMES,
    KeptContent,
)
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.store.errors import StoreError
from serviceexecution.store.pools.pool_store import PoolStore


class Listed:
    """A store that keeps so much."""

    def __init__(self, kept=0):
        self.kept = kept
        self.looks = 0
        self.fails = False

    async def kept_bytes(self, _namespace):
        self.looks += 1
        if self.fails:
            raise StoreError("away")
        return self.kept


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def counting(store, clock):
    return KeptContent(cast("PoolStore", store), 100, clock)


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


def refused(content, size=1):
    with pytest.raises(Problem) as caught:
        content.check("team", size)
    return caught.value.status, caught.value.code


async def test_what_is_kept_and_what_was_written_since_is_bounded():
    store, clock = Listed(100 * TIMES - 20), Clock()
    content = counting(store, clock)
    content.check("team", 10**9)  # Nothing is known yet
    await settled()
    content.check("team", 20)
    content.add("team", 15)
    content.check("team", 5)
    assert refused(content, 6) == (413, "DataPoolsKeepTooMuch")
    content.check("other", 10**9)
    assert store.looks == 1


async def test_what_the_sweep_has_deleted_is_seen_soon():
    store, clock = Listed(1000), Clock()
    content = counting(store, clock)
    content.check("team", 0)
    await settled()
    store.kept = 0
    refused(content)
    await settled()
    refused(content)
    clock.now += REFUSED_LOOK_SECONDS + 1
    refused(content)
    await settled()
    content.check("team", 1)
    assert store.looks == 2


async def test_it_is_looked_again_now_and_then():
    store, clock = Listed(0), Clock()
    content = counting(store, clock)
    for _ in range(3):
        content.check("team", 0)
        await settled()
    assert store.looks == 1
    clock.now += LOOK_AGAIN_SECONDS + 1
    content.check("team", 0)
    await settled()
    assert store.looks == 2


async def test_a_store_that_cannot_be_listed_refuses_nothing():
    store = Listed(1000)
    store.fails = True
    content = counting(store, Clock())
    for _ in range(2):
        content.check("team", 1)
        await settled()
    assert store.looks == 2
