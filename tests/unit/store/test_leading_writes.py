"""The store of a controller that leads by a Lease: right before each write it asks whether it still leads."""

import pytest

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError
from serviceexecution.store.store import ResultStore

REFERENCE = ExecutionReference("team", "sum", "u-1")


@pytest.mark.parametrize("url", ["memory:///", "file://{}"])
async def test_a_process_that_may_lead_no_more_reads_and_writes_nothing(url, tmp_path):
    leads = True
    store = ResultStore.open(url.format(tmp_path), "c", may_write=lambda: leads)
    chunks = store.logs.of(REFERENCE, 1)
    await chunks.write(1, b"2026-01-01T00:00:00Z mine\n")
    leads = False
    writes = [
        lambda: chunks.write(1, b"stale\n"),
        lambda: store.logs.discard(REFERENCE, 1),
        lambda: store.delete_execution("team", "u-1"),
    ]
    for write in writes:
        with pytest.raises(StoreError, match="another controller may be leading") as refused:
            await write()
        assert refused.value.retriable
    assert await chunks.read(1) == b"2026-01-01T00:00:00Z mine\n"
