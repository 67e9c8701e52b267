"""Somebody who works as on any day: polls, lists, reads a log, submits and uploads, each at a steady rate."""

import asyncio
import gzip
import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import httpx

from benchmarks.floods.stage import Tenant

_PATIENCE_SECONDS: Final = 60.0
_ARCHIVE_BYTES: Final = 100_000
_APART_SECONDS: Final = 0.02
"""Between its first requests of two sorts: else each would wait for the witness's own others every half second."""


@dataclass(slots=True)
class Seen:
    """Milliseconds of each answered request by what it was, and what failed."""

    latencies: dict[str, list[float]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)

    def p99(self, what: str) -> float:
        """Return the time within which 99 of 100 were answered; of fewer than 100 the longest."""
        found = sorted(self.latencies.get(what, [0.0]))
        return found[min(len(found) - 1, int(len(found) * 0.99))]


class Witness:
    """Sends requests at their times, whether or not earlier ones were answered (open loop)."""

    def __init__(self, address: str, tenant: Tenant) -> None:
        self._tenant = tenant
        self._http = httpx.AsyncClient(
            base_url=address,
            headers={"Authorization": f"Bearer {tenant.token}"},
            timeout=_PATIENCE_SECONDS,
            limits=httpx.Limits(max_connections=64),
        )
        status = f"{tenant.service()}/{tenant.execution}"
        self._calls: dict[str, tuple[float, Callable[[], Awaitable[httpx.Response]]]] = {
            "status": (10.0, lambda: self._http.get(status)),
            "list": (2.0, lambda: self._http.get(tenant.service())),
            "log": (2.0, lambda: self._http.get(f"{status}/log")),
            "submit": (2.0, lambda: self._http.post(tenant.service(), json={"x": 1})),
            "upload": (2.0, self._upload),
        }

    @property
    def calls(self) -> list[str]:
        """Return what is measured."""
        return list(self._calls)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def work(self, seconds: float) -> Seen:
        """Work for ``seconds``, and wait for the last answers."""
        seen = Seen()
        async with asyncio.TaskGroup() as group:
            for number, (what, (rate, call)) in enumerate(self._calls.items()):
                await asyncio.sleep(_APART_SECONDS if number else 0)
                group.create_task(self._steadily(what, rate, call, seconds, seen))
        return seen

    async def _steadily(
        self,
        what: str,
        rate: float,
        call: Callable[[], Awaitable[httpx.Response]],
        seconds: float,
        seen: Seen,
    ) -> None:
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
                group.create_task(self._one(what, call, seen))

    async def _one(self, what: str, call: Callable[[], Awaitable[httpx.Response]], seen: Seen) -> None:
        started = time.monotonic()
        try:
            answer = await call()
        except httpx.HTTPError as error:
            seen.failures[f"{what}: {type(error).__name__}"] += 1
            return
        if answer.is_success:
            seen.latencies.setdefault(what, []).append((time.monotonic() - started) * 1000)
        else:
            seen.failures[f"{what}: {answer.status_code} {answer.json().get('code', '')}"] += 1

    async def _upload(self) -> httpx.Response:
        data = gzip.compress(secrets.token_bytes(_ARCHIVE_BYTES), 1)
        digest = hashlib.sha256(data).hexdigest()
        path = f"/api/v1/namespaces/{self._tenant.namespace}/sources/{digest}"
        return await self._http.put(path, content=data)
