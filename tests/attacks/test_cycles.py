"""M7's kind: what a request leaves behind is gone with it, and is not collected by thousands while all others wait.

Fails on 9b98b50: each request left 11 objects in a cycle, one whose client went away in the middle 25, an upload 44.
After 200,000 of them a collection stopped the gateway for half a second.
"""

import asyncio
import gc

import pytest
from starlette.requests import Request

from serviceexecution.gateway.http.bodies.pace import Pace, paced_chunks
from serviceexecution.process.garbage import collect_seldom
from tests.support.cycles import left_in_cycles
from tests.unit.gateway.http.protocol_harness import all_of, served

ASKED = b"GET /a HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"
LEFT = b"POST /a HTTP/1.1\r\nHost: gateway\r\nContent-Length: 10\r\n\r\n{"
REFUSED = b"POST /a HTTP/1.1\r\nHost: gateway\r\nHost: other\r\n\r\n"
_REQUESTS = 20


async def ask(port: int) -> None:
    assert b"200 OK" in await all_of(port, ASKED)


async def be_refused(port: int) -> None:
    assert b"InvalidHost" in await all_of(port, REFUSED)


async def leave(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(LEFT)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("call", [ask, be_refused, leave])
async def test_a_request_is_in_no_cycle(call):
    async with served() as port:
        await call(port)
        with left_in_cycles() as left:
            for _ in range(_REQUESTS):
                await call(port)
            await asyncio.sleep(0.1)  # The server sees that its clients have gone
    assert not {"BoundedHttpProtocol", "RequestResponseCycle", "_Lingering"} & set(left)


async def one_piece():
    return {"type": "http.request", "body": b"x"}


async def test_a_paced_body_is_in_no_cycle():
    with left_in_cycles() as left:
        for _ in range(_REQUESTS):
            pace, upload = Pace(lambda: False), Request({"type": "http"}, one_piece)
            assert [chunk async for chunk in paced_chunks(upload, pace, idle_seconds=5)] == [b"x"]
        del pace, upload
    assert "Pace" not in left


class Member:
    """One of two that keep each other."""

    def __init__(self) -> None:
        self.other = Member.__new__(Member)
        self.other.other = self


def test_no_collection_frees_hundreds_of_thousands_of_objects():
    """Each costs some microseconds, with all that belongs to it."""
    freed = []
    usual = gc.get_threshold()
    collect_seldom()

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            freed.append(info["collected"])

    gc.callbacks.append(note)
    try:
        for _ in range(300_000):
            Member()
    finally:
        gc.callbacks.remove(note)
        gc.set_threshold(*usual)
        gc.unfreeze()
    assert 0 < max(freed) < 100_000
