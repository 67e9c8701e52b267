"""Which listings of data pools stay in memory."""

from collections import Counter
from datetime import UTC, datetime
from typing import cast

import pytest

from serviceexecution.gateway.collect.pools import listings
from serviceexecution.gateway.collect.pools.listings import PoolListings
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.store.pools.pool_store import PoolStore
from serviceexecution.store.pools.records import PoolFile


class Store:
    """Has any state of any data pool, and counts what is read."""

    def __init__(self, files):
        self.reads: Counter[tuple[str, str]] = Counter()
        self.found = [
            PoolFile.model_construct(
                name=f"{number:04d}", id="", sha256="", size=1, content_type="", created_at=NOW, blob=""
            )
            for number in range(files)
        ]

    async def read_index(self, reference, digest):
        self.reads[reference.namespace, digest] += 1
        return digest

    async def files(self, reference, index):
        return self.found


NOW = datetime(2026, 11, 28, tzinfo=UTC)


def state(index):
    return UsedPool.model_construct(property="data", name="p", uid="u", index=index)


@pytest.mark.parametrize("files", [1, 40])
async def test_who_reads_many_states_pushes_out_only_their_own(monkeypatch, files):
    monkeypatch.setattr(listings, "MAX_FILES", 100)
    store = Store(files)
    known = PoolListings(cast("PoolStore", store), most_files=50)
    await known.of("team-a", state("kept"))
    for number in range(100):
        assert len(await known.of("team-b", state(str(number)))) == files
    await known.of("team-a", state("kept"))
    await known.of("team-b", state("99"))
    await known.of("team-b", state("0"))
    assert (store.reads["team-a", "kept"], store.reads["team-b", "99"], store.reads["team-b", "0"]) == (
        1,
        1,
        2,
    )


async def test_one_list_of_the_most_files_always_has_room(monkeypatch):
    monkeypatch.setattr(listings, "MAX_FILES", 10)
    store = Store(50)
    known = PoolListings(cast("PoolStore", store), most_files=50)
    assert await known.of("team-a", state("large")) is await known.of("team-a", state("large"))
    assert store.reads["team-a", "large"] == 1
