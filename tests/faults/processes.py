"""Processes that can be killed at a write: what a dead one still tries to write does not happen."""

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from obstore.store import ObjectStore

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.store.errors import StoreError
from serviceexecution.store.storage.objects import Objects
from tests.faults.plan import KILLS, FaultPlan, Strike
from tests.support.api_server.server import ApiServer

_Answer = TypeVar("_Answer")


class Killed(BaseException):
    """The process has ended: nothing in it catches that."""


class Process:
    """One life of controller, gateway or collector."""

    def __init__(self, name: str, plan: FaultPlan) -> None:
        self.name = name
        self.alive = True
        self._plan = plan

    def check(self) -> None:
        """Raise Killed in a process that is dead."""
        if not self.alive:
            raise Killed

    def kill(self) -> None:
        """End here."""
        self.alive = False
        raise Killed

    async def write(
        self, what: str, do: Callable[[], Awaitable[_Answer]], no_answer: type[Exception]
    ) -> _Answer:
        """Make a write, or meet what the plan has for it."""
        self.check()
        strike = self._plan.meet(self.name, what)
        if strike is Strike.KILLED_BEFORE:
            self.kill()
        if strike is Strike.REQUEST_LOST:
            raise no_answer("no answer: the request was lost")
        try:
            answer = await do()
        except Exception:
            if strike is None:
                raise
            answer = None
        self.check()
        if strike in KILLS:
            self.kill()
        if strike is not None:
            raise no_answer("no answer: it was lost")
        return answer  # type: ignore[return-value]


class ProcessClient:
    """One process's connection to the API server in memory."""

    def __init__(self, process: Process, server: ApiServer, logs: Callable[..., Any]) -> None:
        self._process = process
        self._server = server
        self._logs = logs
        self.past: ApiServer | None = None
        """Where lists come from while the one that is asked lags behind."""

    def __getattr__(self, name: str) -> Any:
        self._process.check()
        return getattr(self._server, name)

    def list_pages(self, kind: ResourceKind, namespace: str | None, **options: Any) -> Any:
        self._process.check()
        return (self.past or self._server).list_pages(kind, namespace, **options)

    async def create(
        self, kind: ResourceKind, namespace: str | None, manifest: JsonObject, **options: Any
    ) -> JsonObject:
        return await self._write(
            f"create {kind.plural}", lambda: self._server.create(kind, namespace, manifest, **options)
        )

    async def patch(
        self, kind: ResourceKind, namespace: str | None, name: str, patch: JsonObject, **options: Any
    ) -> JsonObject | None:
        subresource = options.get("subresource")
        what = f"patch {kind.plural}" + (f"/{subresource}" if subresource else "")
        return await self._write(what, lambda: self._server.patch(kind, namespace, name, patch, **options))

    async def delete(self, kind: ResourceKind, namespace: str | None, name: str, **options: Any) -> bool:
        return await self._write(
            f"delete {kind.plural}", lambda: self._server.delete(kind, namespace, name, **options)
        )

    def log_lines(
        self, namespace: str, pod: str, **options: Any
    ) -> AbstractAsyncContextManager[AsyncIterable[bytes]]:
        self._process.check()
        found: AbstractAsyncContextManager[AsyncIterable[bytes]] = self._logs(namespace, pod, **options)
        return found

    async def _write(self, what: str, do: Callable[[], Awaitable[_Answer]]) -> _Answer:
        return await self._process.write(what, do, KubernetesError)


class ProcessObjects(Objects):
    """One process's connection to the store."""

    def __init__(self, backend: ObjectStore, process: Process, state: Mapping[str, bool]) -> None:
        super().__init__(backend)
        self._process = process
        self._state = state

    async def put(self, key: str, data: bytes) -> str | None:
        put = super().put
        return await self._write(f"put {_kind(key)}", lambda: put(key, data))

    async def put_stream(
        self, key: str, chunks: AsyncIterable[bytes], *, expected_size: int = 0
    ) -> str | None:
        put = super().put_stream
        return await self._write(f"put {_kind(key)}", lambda: put(key, chunks, expected_size=expected_size))

    async def get(self, key: str) -> bytes | None:
        self._there()
        return await super().get(key)

    async def names(self, prefix: str) -> frozenset[str]:
        self._there()
        return await super().names(prefix)

    async def delete(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        delete = super().delete
        await self._write(f"delete {_kind(keys[0])}", lambda: delete(keys))

    def _there(self) -> None:
        self._process.check()
        if self._state.get("away"):
            raise StoreError("the store does not answer")

    async def _write(self, what: str, do: Callable[[], Awaitable[_Answer]]) -> _Answer:
        self._there()
        return await self._process.write(f"{what} in the store", do, StoreError)


def _kind(key: str) -> str:
    """Return what an object of the store is, without whose it is."""
    parts = key.split("/")
    return parts[-1] if parts[-1].endswith(".json") else "/".join(parts[3:-1]) or parts[1]
