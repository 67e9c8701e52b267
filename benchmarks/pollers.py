"""Many clients that poll: one connection each, one request a second, each answer read completely.

Run as a process of its own, so that its CPU time is not the server's: ``python -m benchmarks.pollers`` with the
URLs' paths on standard input, one a poller. Prints one JSON object.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Final

import uvloop

ANSWER_SECONDS: Final = 30


@dataclass(slots=True)
class Outcome:
    """What all pollers saw: latencies in seconds of good answers, and the number of each kind of failure."""

    latencies: list[float] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)

    def fail(self, kind: str) -> None:
        """Count one failure."""
        self.failures[kind] = self.failures.get(kind, 0) + 1


class Connection:
    """A keep-alive connection that sends one prepared request again and again."""

    def __init__(self, host: str, port: int, path: str, token: str) -> None:
        self._host, self._port = host, port
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\nAccept: */*\r\n\r\n"
        ).encode()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> int:
        """Send the request and read the answer; return its status. Raises OSError, EOFError, ValueError."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        try:
            writer.write(self._request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = head.partition("content-length:")[2].partition("\r\n")[0]
            await reader.readexactly(int(length))
            return int(head.split(" ", 2)[1])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _poll(connection: Connection, outcome: Outcome, *, first: float, end: float, period: float) -> None:
    due = first
    while due < end:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        try:
            # From when it was due: a client that is held up must not hide a slow server
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await connection.ask()
        except (OSError, EOFError, ValueError) as error:
            outcome.fail(type(error).__name__)
        else:
            if status == 200:
                outcome.latencies.append(time.monotonic() - due)
            else:
                outcome.fail(f"status {status}")
        due += period
    connection.close()


async def poll(
    host: str, port: int, paths: list[str], token: str, *, seconds: float, period: float
) -> Outcome:
    """Let one poller per path ask every ``period`` seconds, spread evenly at random, for ``seconds``."""
    outcome = Outcome()
    start = time.monotonic() + 1
    async with asyncio.TaskGroup() as tasks:
        for path in paths:
            first = start + random.random() * period  # noqa: S311 - spread, not secrets
            connection = Connection(host, port, path, token)
            tasks.create_task(_poll(connection, outcome, first=first, end=start + seconds, period=period))
    return outcome


def main() -> None:
    """Read paths, poll, print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pollers", description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--period", type=float, default=1.0)
    arguments = parser.parse_args()
    outcome = uvloop.run(
        poll(
            arguments.host,
            arguments.port,
            sys.stdin.read().split(),
            arguments.token,
            seconds=arguments.seconds,
            period=arguments.period,
        )
    )
    json.dump({"latencies": outcome.latencies, "failures": outcome.failures}, sys.stdout)


if __name__ == "__main__":
    main()
