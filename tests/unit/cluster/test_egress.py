"""The proxy that lets builds out: what it passes on, what it refuses, and that it ends with the cluster."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from cluster.node import egress
from cluster.node.egress import Proxy, RefusedError, forbidden, parse, run

PROXY, CLIENT, TARGET = "127.0.0.2", "127.0.0.3", "127.0.0.1"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def test_a_tunnel_is_asked_for_by_host_and_port() -> None:
    request = parse(b"CONNECT packages.example.org:443 HTTP/1.1\r\nHost: packages.example.org:443\r\n\r\n")
    assert (request.host, request.port, request.tunnel, request.head) == (
        "packages.example.org",
        443,
        True,
        b"",
    )


def test_a_url_becomes_a_request_of_its_origin() -> None:
    request = parse(
        b"GET http://deb.example/a?b=c HTTP/1.1\r\nHost: deb.example\r\nProxy-Authorization: Basic x\r\n"
        b"Connection: keep-alive\r\nRange: bytes=1-\r\n\r\n"
    )
    assert (request.host, request.port, request.tunnel) == ("deb.example", 80, False)
    assert request.head == (
        b"GET /a?b=c HTTP/1.1\r\nHost: deb.example\r\nRange: bytes=1-\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("head", "status", "part"),
    [
        (b"CONNECT db.example:5432 HTTP/1.1\r\n\r\n", "403", "port 5432 is closed"),
        (b"GET http://a.example:8080/ HTTP/1.1\r\n\r\n", "403", "port 8080 is closed"),
        (b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "400", "full http:// URL"),
        (b"GET https://a.example/ HTTP/1.1\r\n\r\n", "400", "with CONNECT"),
        (b"CONNECT :443 HTTP/1.1\r\n\r\n", "400", "names no host"),
        (b"CONNECT a:b:c HTTP/1.1\r\n\r\n", "400", "is no address"),
        (b"GET http://[::1/ HTTP/1.1\r\n\r\n", "400", "is no address"),
        (b"nonsense\r\n\r\n", "400", "no HTTP request"),
        (b"POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "411", "Content-Length"),
        (b"POST http://a.example/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400", "negative"),
    ],
)
def test_what_it_does_not_do_is_said(head: bytes, status: str, part: str) -> None:
    with pytest.raises(RefusedError, match=part) as caught:
        parse(head)
    assert caught.value.status.startswith(status)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "169.254.169.254", "fe80::1%eth0", "224.0.0.1", "0.0.0.0"],  # noqa: S104
)
def test_the_machine_itself_is_no_target(address: str) -> None:
    assert forbidden(address)


@pytest.mark.parametrize("address", ["203.0.113.80", "10.1.2.3", "2001:db8::1"])
def test_public_and_private_hosts_are_targets(address: str) -> None:
    assert not forbidden(address)


@asynccontextmanager
async def _between(monkeypatch: pytest.MonkeyPatch, handler: Handler) -> AsyncIterator[tuple[int, int]]:
    """The ports of a proxy and of a target that `handler` serves; loopback addresses stand for the world."""
    monkeypatch.setattr(egress, "forbidden", lambda _address: False)
    async with await asyncio.start_server(handler, TARGET, 0) as target:
        port = target.sockets[0].getsockname()[1]
        monkeypatch.setattr(egress, "PORTS", (port,))
        proxy = Proxy(PROXY, CLIENT)
        async with await asyncio.start_server(proxy.serve, PROXY, 0) as server:
            yield server.sockets[0].getsockname()[1], port


async def _ask(port: int, data: bytes, *, client: str = CLIENT) -> bytes:
    reader, writer = await asyncio.open_connection(PROXY, port, local_addr=(client, 0))
    writer.write(data)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"got:" + await reader.read())
    writer.close()


def test_a_tunnel_carries_bytes_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> bytes:
        async with _between(monkeypatch, _echo) as (proxy, target):
            return await _ask(proxy, f"CONNECT {TARGET}:{target} HTTP/1.1\r\n\r\nhello".encode())

    assert asyncio.run(scenario()) == b"HTTP/1.1 200 Connection established\r\n\r\ngot:hello"


def test_only_one_request_and_its_body_reach_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(2)
        # Whatever else was passed on would be here by now or never: the proxy sends body and rest in one piece.
        rest = reader._buffer  # type: ignore[attr-defined]
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + head.split(b"\r\n")[0] + b"|" + body + b"|" + bytes(rest))
        writer.close()

    async def scenario() -> bytes:
        async with _between(monkeypatch, answer) as (proxy, target):
            first = f"PUT http://{TARGET}:{target}/x HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"
            return await _ask(proxy, f"{first}GET http://secret.example/ HTTP/1.1\r\n\r\n".encode())

    assert asyncio.run(scenario()) == b"HTTP/1.1 200 OK\r\n\r\nPUT /x HTTP/1.1|ab|"


def test_other_clients_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> bytes:
        async with _between(monkeypatch, _echo) as (proxy, target):
            return await _ask(
                proxy, f"CONNECT {TARGET}:{target} HTTP/1.1\r\n\r\n".encode(), client="127.0.0.4"
            )

    answer = asyncio.run(scenario())
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"serves the cluster alone, not 127.0.0.4" in answer


def test_a_target_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> bytes:
        async with _between(monkeypatch, _echo) as (proxy, _target):
            monkeypatch.setattr(egress, "PORTS", (1,))
            return await _ask(proxy, f"CONNECT {TARGET}:1 HTTP/1.1\r\n\r\n".encode())

    answer = asyncio.run(scenario())
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert f"{TARGET}:1 cannot be reached".encode() in answer


def test_the_proxy_itself_is_no_target(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> bytes:
        async with _between(monkeypatch, _echo) as (proxy, target):
            return await _ask(proxy, f"CONNECT {PROXY}:{target} HTTP/1.1\r\n\r\n".encode())

    assert b"builds may not reach" in asyncio.run(scenario())


def test_the_egress_proxy_ends_with_the_cluster_s_first_process() -> None:
    async def scenario(first: subprocess.Popen[bytes]) -> None:
        serving = asyncio.create_task(run(Proxy(PROXY, CLIENT), 0, first.pid))
        await asyncio.sleep(0)
        assert not serving.done()
        assert first.stdin is not None
        first.stdin.close()
        await asyncio.wait_for(serving, 10)

    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        asyncio.run(scenario(process))
