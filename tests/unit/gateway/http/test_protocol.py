"""What a server on loopback does with requests that are no requests, or have no end."""

import asyncio
from typing import Any

import pytest

from serviceexecution.gateway import main
from serviceexecution.gateway.http.connection import protocol
from serviceexecution.gateway.http.connection.connections import Connections
from serviceexecution.gateway.http.gone import HELD
from serviceexecution.gateway.main import GatewayServer, serve_while, server_config
from serviceexecution.gateway.settings import GatewaySettings
from tests.unit.gateway.http.protocol_harness import all_of, echo, problem, served

HEAD = b"GET /some/path HTTP/1.1\r\nHost: gateway\r\n"
POST = b"POST / HTTP/1.1\r\nHost: gateway\r\n"


async def test_what_is_no_request_gets_a_problem():
    async with served() as port:
        assert problem(await all_of(port, b"GET /\x00 HTTP/1.1\r\n\r\n")) == (400, "InvalidRequest")
        assert problem(await all_of(port, b"\x16\x03\x01\x02\x00\x01\x00\x01")) == (400, "InvalidRequest")


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD, *[b"X-%d: " % number + b"x" * 8000 + b"\r\n" for number in range(40)]],
        [HEAD + b"X: ", *[b"x" * 8000] * 40],
        [b"GET /", *[b"x" * 8000] * 40],
    ],
    ids=["many headers", "one header", "path"],
)
async def test_a_head_without_end_is_refused(pieces):
    async with served() as port:
        assert problem(await all_of(port, *pieces)) == (431, "HeadTooLarge")


async def test_trailers_without_end_end_the_connection():
    trailers = [b"X-%d: " % number + b"x" * 8000 + b"\r\n" for number in range(40)]
    async with served() as port:
        begin = POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
        assert await all_of(port, begin, *trailers) == b""


async def test_the_second_request_of_a_connection_is_bounded_too():
    async with served() as port:
        answer = await all_of(port, HEAD + b"\r\n", HEAD + b"X: ", *[b"x" * 8000] * 40)
        first, _, second = answer.partition(b"HTTP/1.1 431")
        assert first.startswith(b"HTTP/1.1 200")
        assert b"HeadTooLarge" in second


async def test_bodies_are_not_bounded_here():
    chunks = [b"1\r\nx\r\n" * 1000] * 40  # most of it is framing
    async with served() as port:
        begin = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert (await all_of(port, begin, *chunks, b"0\r\n\r\n")).endswith(b"40000")
        begin = POST + b"Connection: close\r\nContent-Length: 1000000\r\n\r\n"
        assert (await all_of(port, begin, *[b"x" * 10_000] * 100)).endswith(b"1000000")


@pytest.mark.parametrize("cut", [0, 10, 90, 172, 175])
async def test_an_offer_of_http_2_is_ignored(cut):
    """As Java's client makes it; with the body in one piece and in several."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQ\r\n"
    request = POST + offer + b"Content-Length: 5\r\n\r\n12345"
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(request[:cut])
            await asyncio.sleep(0.05)
            writer.write(request[cut:])
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n5"), 5)
            assert answer.startswith(b"HTTP/1.1 200")
        writer.close()


async def test_the_gateway_is_no_proxy():
    async with served() as port:
        connect = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n"
        assert problem(await all_of(port, connect)) == (400, "InvalidRequest")


async def test_who_says_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    async with served() as port:
        assert await all_of(port) == b""
        assert await all_of(port, HEAD) == b""
        answered = await all_of(port, HEAD + b"\r\n", b"GET /second HT")
        assert answered.startswith(b"HTTP/1.1 200")


async def test_a_gateway_whose_watch_has_died_ends():
    async def dies():
        await asyncio.sleep(0.1)
        raise RuntimeError("the watch")

    server = GatewayServer(
        server_config(GatewaySettings(store_url="", cluster_id="", port=0), echo, host="127.0.0.1"),
        asyncio.Event(),
    )
    endless: asyncio.Task[Any] = asyncio.create_task(asyncio.Event().wait())
    with pytest.raises(RuntimeError, match="the watch"):
        async with asyncio.timeout(5):
            await serve_while(server, [asyncio.create_task(dies()), endless])
    assert endless.cancelled()


async def test_a_slow_body_is_no_slow_head(monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST + b"Content-Length: 2\r\n\r\n1")
        await asyncio.sleep(0.5)
        writer.write(b"2")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n2"), 5)).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_request_that_waits_is_answered_to_make_room(monkeypatch):
    monkeypatch.setattr(main, "Connections", lambda: Connections(most=2))

    async def waiting(scope, receive, send):
        if scope["path"] == "/wait":
            enough = asyncio.Event()
            scope["extensions"][HELD](enough.set)
            await enough.wait()
            scope["extensions"][HELD](None)
        await echo(scope, receive, send)

    async with served(waiting) as port:
        waits = [asyncio.create_task(all_of(port, HEAD.replace(b"/some/path", b"/wait") + b"\r\n"))]
        waits += [asyncio.create_task(all_of(port, HEAD.replace(b"/some/path", b"/wait") + b"\r\n"))]
        await asyncio.sleep(0.2)
        answer = await all_of(port, HEAD + b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        done, held = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        (ended,) = done
        assert ended.result().startswith(b"HTTP/1.1 200")
        assert b"connection: close" in ended.result().lower()
        assert len(held) == 1
        for one in held:
            one.cancel()


@pytest.mark.parametrize("rest", [b"\r\n", b"X-Half: "], ids=["whole", "half"])
@pytest.mark.parametrize("late", [False, True])
async def test_a_request_that_waits_is_answered_when_its_client_sends_the_next(rest, late):
    """What comes meanwhile would be kept as long as the request waits: sixteen heads of 64 KiB."""
    waits = asyncio.Event()

    async def waiting(scope, receive, send):
        if scope["path"] == "/wait":
            enough = asyncio.Event()
            waits.set()
            scope["extensions"][HELD](enough.set)
            await enough.wait()
            scope["extensions"][HELD](None)
        await echo(scope, receive, send)

    async with served(waiting) as port, asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        first, following = HEAD.replace(b"/some/path", b"/wait") + b"\r\n", HEAD + rest
        writer.write(first if late else first + following)
        await waits.wait()
        if late:
            writer.write(following)
        assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200")
        writer.close()
