"""What one namespace, or somebody without any rights, does to what all share. Each runs until it is cancelled."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from benchmarks.floods.stage import SLOW, Tenant

_LARGE_BYTES: Final = 1_500_000_000
_COMMIT_BYTES: Final = 60 * 1024**2
_DRIP_SECONDS: Final = 1.0
_LOGS: Final = 100
_FOLLOWERS: Final = 500
_PATIENCE_SECONDS: Final = 60.0
LARGE_VALUE: Final[dict[str, list[list[int]]]] = {"data": [[]] * 240_000}
"""An input of nearly a megabyte, all of which must be looked at."""
_GZIP_BEGIN: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""An archive that begins otherwise is refused at once."""


@dataclass(slots=True)
class Tally:
    """What an attacker has sent so far."""

    sent: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    """By their status; "closed" are connections that ended without one."""
    held: int = 0
    """Connections that are open now, where the attack is to hold them."""

    def answered(self, status: str) -> None:
        """Count an answer."""
        self.answers[status] = self.answers.get(status, 0) + 1


@dataclass(frozen=True, slots=True)
class Attacker:
    """Where the attacker is, what it holds, and what it has sent."""

    address: str
    tenant: Tenant
    collector_token: str
    rate: float = 0.0
    """How many objects a second a control makes."""
    tally: Tally = field(default_factory=Tally)


Attack = Callable[[Attacker], Awaitable[None]]


async def unknown_ids(attacker: Attacker) -> None:
    """Ask for executions that do not exist (H8): each costs the gateway a request to the API server."""

    async def ask(http: httpx.AsyncClient) -> None:
        await http.get(f"{attacker.tenant.service()}/{uuid4()!s}")

    await _at_once(attacker, 32, ask)


async def slow_schemas(attacker: Attacker) -> None:
    """Submit to a service whose schema takes for ever (H7)."""

    async def submit(http: httpx.AsyncClient) -> None:
        await http.post(attacker.tenant.service(SLOW), json={"x": 1})

    await _at_once(attacker, 32, submit)


async def large_bodies(attacker: Attacker) -> None:
    """Submit bodies of a megabyte with as many members as fit (M3)."""
    body = json.dumps({f"k{number}": 0 for number in range(70_000)}).encode()

    async def submit(http: httpx.AsyncClient) -> None:
        await http.post(attacker.tenant.service(), content=body, headers={"Content-Type": "application/json"})

    await _at_once(attacker, 8, submit)


async def large_inputs(attacker: Attacker) -> None:
    """Submit inputs of a megabyte that are good (M3): each is parsed, written into etcd and watched."""
    body = json.dumps(LARGE_VALUE).encode()

    async def submit(http: httpx.AsyncClient) -> None:
        await http.post(attacker.tenant.service(), content=body, headers={"Content-Type": "application/json"})

    await _at_once(attacker, 8, submit)


async def bad_tokens(attacker: Attacker) -> None:
    """Guess tokens from the address that all others come from as well (H5)."""

    async def guess(http: httpx.AsyncClient) -> None:
        token = f"{secrets.token_urlsafe(20)}.{secrets.token_urlsafe(60)}.{secrets.token_urlsafe(60)}"
        await http.get(attacker.tenant.service(), headers={"Authorization": f"Bearer {token}"})

    await _at_once(attacker, 32, guess)


async def slow_archives(attacker: Attacker) -> None:
    """Upload archives a byte a second (as H4 for sources)."""
    head = _head(attacker, "PUT", f"/api/v1/namespaces/{attacker.tenant.namespace}/sources/{'0' * 64}")
    await _dripped(attacker, 40, head + b"Content-Length: 90000000\r\n\r\n" + _GZIP_BEGIN)


async def slow_outputs(attacker: Attacker) -> None:
    """Upload output files a byte a second with the collector's token, which a program can read (H4)."""
    head = _head(attacker, "PUT", "/collect/v1/files/large.bin", attacker.collector_token)
    await _dripped(attacker, 40, head + f"Content-Length: {_LARGE_BYTES}\r\n\r\n".encode())


async def unfinished_commits(attacker: Attacker) -> None:
    """Send commits whose last byte never comes (H4): what has come is memory."""
    head = _head(attacker, "POST", "/collect/v1/commit", attacker.collector_token)
    body = b'{"files":[' + b" " * (_COMMIT_BYTES - 100)
    await _dripped(attacker, 6, head + f"Content-Length: {_COMMIT_BYTES}\r\n\r\n".encode() + body)


async def streams(attacker: Attacker) -> None:
    """Follow one log three hundred times (M4)."""
    await _dripped(attacker, 300, _followed(attacker, attacker.tenant.execution), drip=b"")


async def many_logs(attacker: Attacker) -> None:
    """Follow many logs (M4): each stream looks into the store again and again."""
    async with httpx.AsyncClient(
        base_url=attacker.address,
        headers={"Authorization": f"Bearer {attacker.tenant.token}"},
        timeout=_PATIENCE_SECONDS,
    ) as http:
        executions = [await _submitted(http, attacker.tenant) for _ in range(_LOGS)]
    async with asyncio.TaskGroup() as group:
        for execution in executions:
            begin = _followed(attacker, execution)
            group.create_task(_dripped(attacker, _FOLLOWERS // _LOGS, begin, drip=b""))


async def connections(attacker: Attacker) -> None:
    """Open connections that say nothing, and such that leave in the middle of a body (M7)."""
    leaving = _head(attacker, "POST", attacker.tenant.service()) + b"Content-Length: 1000\r\n\r\n{"

    async def leave(_: httpx.AsyncClient) -> None:
        parts = urlsplit(attacker.address)
        _reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        attacker.tally.sent += 1
        writer.write(leaving)
        await writer.drain()
        writer.close()

    async with asyncio.TaskGroup() as group:
        group.create_task(_dripped(attacker, 500, b"", drip=b""))
        group.create_task(_at_once(attacker, 8, leave))


async def _submitted(http: httpx.AsyncClient, tenant: Tenant) -> str:
    """Return the id of a new execution: an attack that has just begun, or ended, may take the first tries."""
    while True:
        with contextlib.suppress(httpx.HTTPError):
            answer = await http.post(tenant.service(), json={"x": 1})
            if answer.is_success:
                return str(answer.json()["id"])
        await asyncio.sleep(_DRIP_SECONDS)


async def _at_once(
    attacker: Attacker, number: int, call: Callable[[httpx.AsyncClient], Awaitable[None]]
) -> None:
    """Make calls one after the other, ``number`` of them at the same time, whatever is answered."""
    limits = httpx.Limits(max_connections=number)

    async def sent(_: httpx.Request) -> None:
        attacker.tally.sent += 1

    async def answered(answer: httpx.Response) -> None:
        attacker.tally.answered(str(answer.status_code))

    async with httpx.AsyncClient(
        base_url=attacker.address,
        headers={"Authorization": f"Bearer {attacker.tenant.token}"},
        timeout=_PATIENCE_SECONDS,
        limits=limits,
        event_hooks={"request": [sent], "response": [answered]},
    ) as http:

        async def again() -> None:
            while True:
                with contextlib.suppress(httpx.HTTPError, OSError):
                    await call(http)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for _ in range(number):
                group.create_task(again())


async def _dripped(attacker: Attacker, number: int, begin: bytes, *, drip: bytes = b" ") -> None:
    """Hold ``number`` connections that have sent ``begin``; one that is closed is opened again."""
    parts = urlsplit(attacker.address)

    async def hold() -> None:
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
                drain = asyncio.create_task(_read_all(reader, attacker.tally))
                try:
                    attacker.tally.sent += 1
                    attacker.tally.held += 1
                    writer.write(begin)
                    await writer.drain()
                    while not drain.done():
                        await asyncio.sleep(_DRIP_SECONDS)
                        writer.write(drip)
                        await writer.drain()
                finally:
                    attacker.tally.held -= 1
                    drain.cancel()
                    writer.close()
            await asyncio.sleep(_DRIP_SECONDS)

    async with asyncio.TaskGroup() as group:
        for _ in range(number):
            group.create_task(hold())


async def _read_all(reader: asyncio.StreamReader, tally: Tally) -> None:
    status = (await reader.readline()).split(b" ")[1:2]
    tally.answered(status[0].decode() if status else "closed")
    while await reader.read(65536):
        pass


def _followed(attacker: Attacker, execution: str) -> bytes:
    return _head(attacker, "GET", f"{attacker.tenant.service()}/{execution}/log?follow") + b"\r\n"


def _head(attacker: Attacker, method: str, path: str, token: str = "") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {urlsplit(attacker.address).netloc}",
        f"Authorization: Bearer {token or attacker.tenant.token}",
        "Content-Type: application/json",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()
