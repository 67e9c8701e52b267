"""The store in a directory and in memory; in ``make test-stores`` on real servers of object stores instead."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from serviceexecution.store.store import ResultStore
from tests.support.store_servers import StoreServer, store_server

KINDS = tuple(os.environ.get("SX_TEST_STORES", "directory memory").split())


class Servers:
    """Servers that are started when the first test wants one."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._running: dict[str, StoreServer] = {}

    def of(self, kind: str) -> StoreServer:
        if kind not in self._running:
            directory = self._directory / kind
            directory.mkdir()
            self._running[kind] = self._stack.enter_context(store_server(kind, directory))
        return self._running[kind]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(tmp_path_factory.mktemp("stores"), stack)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path, servers: Servers) -> ResultStore:
    """A store that nothing is in; its cluster is cluster-1."""
    match request.param:
        case "directory":
            return ResultStore.open(f"file://{tmp_path}/store", "cluster-1")
        case "memory":
            return ResultStore.open("memory:///", "cluster-1")
        case kind:
            return servers.of(kind).open("cluster-1")
