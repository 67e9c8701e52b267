"""The way out for image builds: a forward proxy on the host's end of the cluster's link.

The cluster has no route out. Builds that must fetch packages ask this proxy, which takes connections from the cluster
alone and makes them to ports 80 and 443 alone, by CONNECT or by an absolute http URL. Run by the launcher as
`python egress.py HOST PORT CLIENT PID` in the host's network; it ends with process PID, the cluster's first.
Standard library only: it lives as long as the cluster.
"""

import asyncio
import contextlib
import ipaddress
import os
import socket
import sys
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

PORTS: Final = (80, 443)
_HEAD_BYTES: Final = 64 * 1024
_HEAD_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 20.0
_LINGER_SECONDS: Final = 2.0
_CHUNK_BYTES: Final = 256 * 1024
# They are about one connection, and the next one is another.
_HOP_HEADERS: Final = ("connection", "proxy-connection", "proxy-authorization", "keep-alive", "te", "upgrade")


class RefusedError(Exception):
    """What the client is told: a status and one sentence."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Request:
    """Where a client wants to go.

    `head` is what the target is sent first (nothing for a tunnel), `body_bytes` how much of the client's follows it.
    """

    host: str
    port: int
    tunnel: bool
    head: bytes = b""
    body_bytes: int = 0


def parse(head: bytes) -> Request:
    """Read a request up to its empty line.

    Raises RefusedError when it is malformed, or wants something that the proxy does not do.
    """
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3:
        raise RefusedError("400 Bad Request", "this is no HTTP request.")
    method, target, _ = words
    try:
        if method == "CONNECT":
            parts = urlsplit(f"//{target}")
            return _allowed(Request(parts.hostname or "", parts.port or 443, tunnel=True))
        parts = urlsplit(target)
        if parts.scheme != "http" or not parts.hostname:
            raise RefusedError(
                "400 Bad Request", "this is a proxy: ask it for a full http:// URL, or with CONNECT."
            )
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = [line for line in lines[1:] if line]
        request = Request(
            parts.hostname, parts.port or 80, False, _origin_head(method, path, headers), _body_bytes(headers)
        )
    except ValueError as error:
        raise RefusedError("400 Bad Request", f"{target!r} is no address: {error}.") from error
    return _allowed(request)


def _allowed(request: Request) -> Request:
    if not request.host:
        raise RefusedError("400 Bad Request", "the request names no host.")
    if request.port not in PORTS:
        raise RefusedError(
            "403 Forbidden", f"port {request.port} is closed to builds; only 80 and 443 are open."
        )
    return request


def _origin_head(method: str, path: str, headers: list[str]) -> bytes:
    """One request per connection, so that what follows it never reaches the wrong target."""
    kept = [line for line in headers if line.partition(":")[0].strip().lower() not in _HOP_HEADERS]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]).encode("latin-1")


def _body_bytes(headers: list[str]) -> int:
    fields = {name.strip().lower(): value.strip() for name, _, value in (h.partition(":") for h in headers)}
    if "transfer-encoding" in fields:
        raise RefusedError("411 Length Required", "a body needs a Content-Length here.")
    length = int(fields.get("content-length", "0"))
    if length < 0:
        raise ValueError("its Content-Length is negative")
    return length


def forbidden(address: str) -> bool:
    """Whether an address is the machine's own or a link's, which no package comes from."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return parsed.is_loopback or parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified


@dataclass(frozen=True)
class Proxy:
    """`address` is the proxy's own, which is no target either; only `client` may connect."""

    address: str
    client: str

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client, from its first byte to its end."""
        try:
            await self._serve(reader, writer)
        except RefusedError as error:
            print(f"refused: {error}", flush=True)
            with contextlib.suppress(OSError, TimeoutError):
                await _say(error, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # One of the two went away
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        if peer != self.client:
            raise RefusedError("403 Forbidden", f"this proxy serves the cluster alone, not {peer}.")
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_SECONDS)
        except asyncio.LimitOverrunError as error:
            raise RefusedError("431 Request Header Fields Too Large", "the header is too long.") from error
        except TimeoutError as error:
            raise RefusedError("408 Request Timeout", "no complete request came.") from error
        request = parse(head)
        far_reader, far_writer = await self._connect(request)
        try:
            if request.tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
            else:
                far_writer.write(request.head)
                await asyncio.gather(
                    _copy(reader, far_writer, request.body_bytes, close=False), _copy(far_reader, writer)
                )
        finally:
            far_writer.close()

    async def _connect(self, request: Request) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        where = f"{request.host}:{request.port}"
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(request.host, request.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise RefusedError(
                "502 Bad Gateway", f"{request.host} has no address: {error.strerror}."
            ) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        usable = [a for a in addresses if not forbidden(a) and a not in {self.address, self.client}]
        if not usable:
            raise RefusedError(
                "403 Forbidden", f"{request.host} is this machine, which builds may not reach."
            )
        problem = "no answer"
        for address in usable:
            try:
                return await asyncio.wait_for(
                    asyncio.open_connection(address, request.port), _CONNECT_SECONDS
                )
            except TimeoutError:
                problem = f"no answer for {_CONNECT_SECONDS:.0f} s"
            except OSError as error:
                problem = str(error.strerror or error)
        raise RefusedError("502 Bad Gateway", f"{where} cannot be reached: {problem}.")


async def _say(error: RefusedError, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer, and read what the client still sends: closed with unread data, it would lose the answer."""
    writer.write(_answer(error))
    writer.write_eof()
    async with asyncio.timeout(_LINGER_SECONDS):
        while await reader.read(_CHUNK_BYTES):
            pass


def _answer(error: RefusedError) -> bytes:
    text = f"The cluster's proxy for builds: {error}\n"
    return (
        f"HTTP/1.1 {error.status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text.encode())}\r\n"
        f"Connection: close\r\n\r\n{text}"
    ).encode()


async def _copy(
    source: asyncio.StreamReader,
    target: asyncio.StreamWriter,
    limit: int | None = None,
    *,
    close: bool = True,
) -> None:
    """Copy until the source ends or `limit` bytes went over; then tell the target that no more comes."""
    left = limit
    while left is None or left > 0:
        data = await source.read(_CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES))
        if not data:
            break
        target.write(data)
        await target.drain()
        left = None if left is None else left - len(data)
    if close and target.can_write_eof():
        target.write_eof()


async def run(proxy: Proxy, port: int, process: int) -> None:
    """Serve until `process` has ended.

    Raises OSError when the address cannot be listened on, or there is no such process.
    """
    ended = asyncio.Event()
    descriptor = os.pidfd_open(process)
    asyncio.get_running_loop().add_reader(descriptor, ended.set)
    server = await asyncio.start_server(proxy.serve, proxy.address, port, limit=_HEAD_BYTES)
    print(f"listening on {proxy.address}:{port} for {proxy.client}", flush=True)
    async with server:
        await ended.wait()
    print("the cluster has ended", flush=True)


def main() -> None:
    address, port, client, process = sys.argv[1:5]
    asyncio.run(run(Proxy(address, client), int(port), int(process)))


if __name__ == "__main__":
    main()
