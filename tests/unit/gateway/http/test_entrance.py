"""Requests are let in one by one and in turns by payer; nothing is done for clients that have gone."""

import asyncio
import socket

import pytest
import uvloop

from serviceexecution.fairness.payers import Payer
from serviceexecution.gateway.http.gone import GONE
from serviceexecution.gateway.http.middleware.entrance import Entrance, GoneBeforeItsTurnError
from tests.unit.gateway.http.protocol_harness import all_of, echo, served, serving

HEAD = b"GET /some/path HTTP/1.1\r\nHost: gateway\r\n"
POST = b"POST / HTTP/1.1\r\nHost: gateway\r\n"
_CLIENTS = 128


async def silence(*_):
    return {}


class Door:
    """An entrance, and who came in so far."""

    def __init__(self):
        self.let_in = []
        self.entrance = Entrance(self.app, lambda scope: Payer("callers", scope["name"]))

    async def app(self, scope, receive, send):
        self.let_in.append(scope["name"])

    def come(self, name, number=1, **scope):
        return [
            asyncio.ensure_future(self.entrance({"name": name, **scope}, silence, silence))
            for _ in range(number)
        ]


@pytest.fixture
async def door():
    return Door()


async def test_who_sends_hundreds_is_let_in_in_turns_with_who_sends_one(door):
    requests = [*door.come("flooder", 300), *door.come("witness")]
    await asyncio.gather(*requests)
    assert door.let_in.index("witness") < 2
    assert len(door.let_in) == 301


async def test_one_begins_in_each_round_of_the_loop(door):
    requests = door.come("flooder", 10)
    most, before = 0, 0
    while len(door.let_in) < len(requests):
        await asyncio.sleep(0)
        most, before = max(most, len(door.let_in) - before), len(door.let_in)
    assert most == 1


async def test_a_request_that_is_given_up_holds_up_nobody(door):
    first, second, third = door.come("flooder", 3)
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    await asyncio.gather(first, second, third, return_exceptions=True)
    await asyncio.gather(*door.come("witness"))
    assert door.let_in == ["flooder", "witness"]
    assert not door.entrance._waiting


async def test_nothing_is_done_for_a_client_that_has_gone(door):
    (gone,) = door.come("flooder", extensions={GONE: lambda: True})
    with pytest.raises(GoneBeforeItsTurnError):
        await gone
    (waiting,) = door.come("witness", extensions={GONE: lambda: False})
    await waiting
    assert door.let_in == ["witness"]


@pytest.mark.parametrize(
    ("request_text", "given_up"),
    [
        (HEAD + b"\r\n", True),
        (POST + b"Content-Length: 2\r\n\r\n{", True),
        (POST + b"Content-Length: 2\r\n\r\n{}", False),
    ],
)
async def test_a_whole_request_that_changes_something_is_done_though_its_client_has_gone(
    request_text, given_up
):
    came, found = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def app(scope, receive, send):
        gone = scope["extensions"][GONE]
        assert not gone()
        came.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        found.set_result(gone())

    async with served(app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_text)
        await came.wait()
        writer.close()
        assert await asyncio.wait_for(found, 10) is given_up


async def test_a_client_that_waits_is_not_gone():
    async def app(scope, receive, send):
        assert not scope["extensions"][GONE]()
        await echo(scope, receive, send)

    async with served(app) as port:
        assert b"200 OK" in await all_of(port, HEAD + b"Connection: close\r\n\r\n")


def test_connections_are_taken_several_at_once():
    """Else one client that opens many stands before all others that open one."""
    rounds = 0

    async def open_many():
        nonlocal rounds
        async with serving() as (port, server):
            clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(_CLIENTS)]
            while len(server.server_state.connections) < _CLIENTS:
                await asyncio.sleep(0)
                rounds += 1
            for client in clients:
                client.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(open_many())
    assert rounds < _CLIENTS / 4
