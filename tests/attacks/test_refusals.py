"""Clients that are told to come back later, and come back at once: a hundred refusals a second took half a processor.

Each test fails on 27f1648, which sent every refusal at once.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest

from serviceexecution.fairness.payers import pay_as
from serviceexecution.gateway.http.gone import HELD
from serviceexecution.gateway.http.middleware import refusals
from serviceexecution.gateway.http.middleware.refusals import FREE, MOST_SECONDS, Refusals
from serviceexecution.gateway.http.payers import caller_payer, pay_as_pod, stranger
from serviceexecution.gateway.http.problems import response_of, unavailable
from tests.unit.gateway.http.protocol_harness import served
from tests.unit.gateway.service_api.service_harness import BODY, JSON, Service, service

__all__ = ["service"]

MALLORY, ALICE = ("callers", "mallory"), ("callers", "alice")


class Clock:
    """A time that a test sets."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


async def busy(scope, receive, send):
    """Refuse as a full gateway does."""
    if scope["type"] == "http":
        who = dict(scope["headers"]).get(b"who", b"mallory").decode()
        if who == "pod":
            pay_as_pod("team-a")
        else:
            pay_as(stranger("192.0.2.1") if who == "stranger" else caller_payer(who))
        await response_of(unavailable("Busy", "Come back."))(scope, receive, send)


def payer_of(scope):
    return caller_payer(dict(scope["headers"]).get(b"who", b"mallory").decode())


def guarded(draining=None, clock=time.monotonic):
    return Refusals(busy, payer_of, draining or asyncio.Event(), clock)


async def asked(app, who="mallory", token="", **extensions):
    """Return the head of the answer."""
    heads = []

    async def send(message):
        if message["type"] == "http.response.start":
            heads.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [(b"who", who.encode()), (b"authorization", token.encode())],
        "extensions": extensions,
    }
    await app(scope, receive, send)
    return heads[0]


async def refused_often(app, who="mallory"):
    """Have an account be refused until the next one is held for the longest time."""
    for _ in range(20):
        app.seconds(("callers", who))


def test_each_refusal_comes_later_and_all_is_forgiven():
    clock = Clock()
    app = guarded(clock=clock)
    seen = [app.seconds(MALLORY) for _ in range(40)]
    assert seen[: int(FREE)] == [0.0] * int(FREE)
    assert seen == sorted(seen)
    assert 0 < seen[int(FREE)] < 0.5
    assert seen[-1] == MOST_SECONDS
    assert app.seconds(ALICE) == 0.0
    clock.now += 11
    assert app.seconds(MALLORY) == 0.0, "a flood is forgiven within seconds"


async def test_eight_clients_that_come_back_at_once_are_heard_a_few_times_a_second():
    answers = 0

    async def again(port):
        nonlocal answers
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 60_000)
                await reader.readuntil(b"\r\n\r\n")
                answers += 1
                writer.close()

    async with served(guarded()) as port:
        clients = [asyncio.create_task(again(port)) for _ in range(8)]
        await asyncio.sleep(2.5)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    assert FREE <= answers < 45


async def test_a_held_refusal_holds_up_nobody_else_and_no_stranger():
    app = guarded()
    await refused_often(app)
    await refused_often(app, "stranger")
    held = asyncio.create_task(asked(app))
    await asyncio.sleep(0)
    began = time.monotonic()
    assert (await asked(app, "alice"))["status"] == 503
    assert (await asked(app, "stranger"))["status"] == 503
    assert time.monotonic() - began < MOST_SECONDS / 2
    assert not held.done()
    held.cancel()
    with pytest.raises(asyncio.CancelledError):
        await held
    assert not app._held


async def test_pods_of_a_namespace_do_not_wait_for_each_other(monkeypatch):
    monkeypatch.setattr(refusals, "FREE", 1.0)
    app = guarded()
    assert (await asked(app, "pod", "a"))["status"] == 503
    held = [asyncio.create_task(asked(app, "pod", "a")) for _ in range(10)]
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in held)
    assert (await asyncio.wait_for(asked(app, "pod", "b"), 0.1))["status"] == 503
    assert {head["status"] for head in await asyncio.gather(*held)} == {503}


async def test_held_refusals_end_when_the_process_is_about_to():
    draining = asyncio.Event()
    app = guarded(draining)
    await refused_often(app)
    held = [asyncio.create_task(asked(app)) for _ in range(10)]
    await asyncio.sleep(0.01)
    draining.set()
    began = time.monotonic()
    assert {head["status"] for head in await asyncio.gather(*held)} == {503}
    assert (await asked(app))["status"] == 503
    assert time.monotonic() - began < MOST_SECONDS / 2


async def test_a_held_refusal_makes_room_for_another_connection():
    app = guarded()
    ends: list[Callable[[], None] | None] = []
    await refused_often(app)
    held = asyncio.create_task(asked(app, **{HELD: ends.append}))
    await asyncio.sleep(0.01)
    began = time.monotonic()
    assert ends[0] is not None
    ends[0]()
    ends[0]()
    assert (await held)["status"] == 503
    assert time.monotonic() - began < MOST_SECONDS / 2
    assert ends[-1] is None


async def test_beyond_a_number_requests_are_turned_away_before_anything_is_done(monkeypatch):
    monkeypatch.setattr(refusals, "HELD_OF_ACCOUNT", 3)
    app = guarded()
    await refused_often(app)
    held = [asyncio.create_task(asked(app)) for _ in range(3)]
    await asyncio.sleep(0.01)
    head = await asked(app)
    assert head["status"] == 429
    assert (b"connection", b"close") in head["headers"]
    assert (await asked(app, "alice"))["status"] == 503
    for one in held:
        one.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    assert (await asked(guarded()))["status"] == 503


async def test_the_gateway_itself_holds_them(service: Service, monkeypatch):
    """A submission that is refused for want of a turn, by the whole app."""
    monkeypatch.setattr(refusals, "FREE", 0.0)
    monkeypatch.setattr(refusals, "FIRST_SECONDS", 0.2)
    intake = "serviceexecution.gateway.service_api.submission.intake.Intake.body"

    def full(*_, **__):
        raise unavailable("Busy", "Come back.")

    monkeypatch.setattr(intake, full)
    began = time.monotonic()
    answer = await service.http.post(service.base, content=BODY, headers=JSON)
    assert answer.status_code == 503
    assert time.monotonic() - began >= 0.35
