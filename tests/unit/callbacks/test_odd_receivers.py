"""Receivers that answer oddly, and names that nobody answers for: each costs only its own namespace time."""

import asyncio
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from serviceexecution.callbacks.allow_list import Target
from serviceexecution.callbacks.delivery import LONGEST_PAUSE, MOST_TRIES, next_status
from serviceexecution.callbacks.lookups import AT_ONCE, AT_ONCE_OF_NAMESPACE, Lookups
from serviceexecution.callbacks.sender import Answer, Sender
from serviceexecution.resources.executions.execution_status import CallbackState, CallbackStatus
from tests.support.certificates import write_certificate

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
OK = b"HTTP/1.1 200 OK\r\n"


async def sent_to(answer: Any, *, seconds: float = 5, tls: ssl.SSLContext | None = None) -> Answer:
    """Send once to a receiver that calls ``answer`` with its writer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    scheme = "http" if tls is None else "https"
    target = Target(f"{scheme}://127.0.0.1:{port}/", "127.0.0.1", exact=True)
    try:
        return await Sender(rule=lambda *_: True, seconds=seconds).send(target, b"{}", {})
    finally:
        server.close()


async def test_a_receiver_that_redirects_to_itself_is_asked_once() -> None:
    asked = 0

    async def redirect(writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    answer = await sent_to(redirect)
    assert (asked, answer.problem) == (1, "The receiver answered 302; redirects are not followed.")


async def test_an_answer_of_a_byte_a_second_is_given_up_in_time() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        for byte in OK * 100:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.1)

    started = time.monotonic()
    answer = await sent_to(drip, seconds=0.5)
    assert answer == Answer("The receiver did not answer within 0.5 s.")
    assert time.monotonic() - started < 3


async def test_ten_megabytes_after_the_head_are_not_read() -> None:
    taken = 0

    async def talk(writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        writer.write(OK + b"Content-Length: 10000000\r\n\r\n")
        for _ in range(100):
            writer.write(bytes(100_000))
            await writer.drain()
            taken += 100_000

    assert await sent_to(talk) == Answer()
    assert taken < 10_000_000


async def test_a_certificate_that_nobody_vouches_for_is_said_and_tried_again(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")

    async def never(_: asyncio.StreamWriter) -> None:
        raise AssertionError

    answer = await sent_to(never, tls=context)
    assert (answer.problem, answer.final) == (
        "ClientConnectorCertificateError: the receiver could not be reached.",
        False,
    )


@pytest.mark.parametrize("asked", [365 * 86400.0, 1e9])
def test_a_receiver_that_asks_for_a_year_is_tried_again_within_the_longest_pause(asked: float) -> None:
    status = next_status(CallbackStatus(state=CallbackState.PENDING), Answer("429", retry_after=asked), NOW)
    assert status.next_attempt_time is not None
    assert status.next_attempt_time - NOW <= timedelta(seconds=LONGEST_PAUSE * 1.25)


@pytest.mark.parametrize(
    "when", ["Mon, 01 Jan 99999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 +99999999999999999999", "x"]
)
async def test_a_time_that_is_none_counts_as_a_try_all_the_same(when: str) -> None:
    """Nothing was counted of such an answer, and the event was sent again and again without an end."""

    async def later(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 503 Later\r\nRetry-After: {when}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    answer = await sent_to(later)
    assert (answer.status, answer.retry_after) == (503, None)


def test_a_receiver_that_is_down_for_hours_is_tried_for_two_and_then_given_up() -> None:
    status, now = CallbackStatus(state=CallbackState.PENDING), NOW
    while status.state is CallbackState.PENDING:
        status = next_status(status, Answer("down"), now)
        now = status.next_attempt_time or now
    assert (status.state, status.attempts) == (CallbackState.FAILED, MOST_TRIES)
    assert timedelta(hours=1.5) < now - NOW < timedelta(hours=4)


class Resolver:
    """Answers for names of ``slow`` when ``end`` is set, for others at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.end = threading.Event()
        self.asked: list[str] = []
        monkeypatch.setattr(socket, "getaddrinfo", self.getaddrinfo)

    def getaddrinfo(self, host: str, port: int, *_: Any) -> Any:
        self.asked.append(host)
        if host.endswith(".slow"):
            self.end.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


async def test_names_that_nobody_answers_for_hold_up_no_other_namespace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver = Resolver(monkeypatch)
    lookups = Lookups()
    hanging = [
        asyncio.create_task(lookups.of("evil").resolve(f"n{number}.slow", 443)) for number in range(30)
    ]
    await asyncio.sleep(0.1)
    for task in hanging:  # As a try does that is given up
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    async with asyncio.timeout(5):
        assert (await lookups.of("team").resolve("quick", 443))[0]["host"] == "127.0.0.1"
        assert await asyncio.to_thread(lambda: 1) == 1
    assert len([host for host in resolver.asked if host.endswith(".slow")]) == AT_ONCE_OF_NAMESPACE < AT_ONCE
    with pytest.raises(OSError, match="still being looked up"):
        await asyncio.gather(*(lookups.of("evil").resolve(f"m{number}.slow", 443) for number in range(9)))
    resolver.end.set()


async def test_a_name_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    answer = await Sender(rule=lambda *_: True).send(
        Target("http://a.example/", "a.example", exact=True), b"", {}
    )
    assert "could not be reached" in answer.problem
