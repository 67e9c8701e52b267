"""Servers of object stores, and versitygw behind a proxy that has faults."""

from collections.abc import AsyncIterator, Iterator

import pytest

from serviceexecution.store.storage import objects as limits
from tests.support.fault_proxy import FaultProxy
from tests.support.store_servers import StoreServer, store_server
from tests.unit.controller.conftest import world

__all__ = ["world"]


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with store_server("s3", tmp_path_factory.mktemp("versitygw")) as server:
        yield server


@pytest.fixture
async def proxy(versitygw: StoreServer) -> AsyncIterator[FaultProxy]:
    found = FaultProxy(versitygw.address)
    async with found.serving():
        yield found


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let limits be over soon."""
    for name in ("READ_SECONDS", "_LIST_SECONDS", "_WRITE_SECONDS", "_CHUNK_SECONDS", "_SMALL_READ_SECONDS"):
        monkeypatch.setattr(limits, name, 0.5)
