"""A server with the bounded HTTP protocol on loopback, and what it answers to bytes."""

import asyncio
import contextlib
import json
import socket

from serviceexecution.gateway.main import GatewayServer, server_config
from serviceexecution.gateway.settings import GatewaySettings


async def echo(scope, receive, send):
    """Answer with the number of bytes of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    text = str(size).encode()
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", str(len(text)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": text})


@contextlib.asynccontextmanager
async def served(app=echo):
    async with serving(app) as (port, _):
        yield port


@contextlib.asynccontextmanager
async def serving(app=echo):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = server_config(GatewaySettings(store_url="", cluster_id="", port=port), app, host="127.0.0.1")
    server = GatewayServer(config, asyncio.Event())
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield port, server
    finally:
        server.should_exit = server.force_exit = True
        await task


async def all_of(port, *pieces):
    """Send the pieces and return everything that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
    found = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            while data := await reader.read(65536):
                found += data
    writer.close()
    return found


def problem(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower(), answer
    assert b"connection: close" in head.lower()
    found = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {found['status']} {found['title']}".encode())
    return found["status"], found["code"]
