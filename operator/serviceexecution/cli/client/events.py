"""Logs as Server-Sent Events, line by line, over as many connections as that takes."""

import json
from collections.abc import Callable, Iterator

import httpx

from serviceexecution.cli.client.channel import TRIES, Channel, RefusedError, lines_of
from serviceexecution.cli.client.log_entry import LogEntry, full_entry
from serviceexecution.cli.errors import CommandError


def follow_log(
    channel: Channel, path: str, *, attempt: int = 0, is_over: Callable[[], bool] = lambda: True
) -> Iterator[LogEntry]:
    """Give every line until the log ends, or the channel is closed.

    ``attempt`` is whose log, 0 for that of the last one and those after it. An end is believed when ``is_over``, which
    the cluster itself is asked. Raises RefusedError, httpx.HTTPError when the log stays away.
    """
    last, tries = "", 0
    params = {"follow": "true"} | ({"attempt": str(attempt)} if attempt else {})
    while not channel.is_closed():
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        try:
            with channel.stream("GET", path, params=params, headers=headers) as answer:
                for kind, identifier, data in events(lines_of(answer)):
                    if kind == "end":
                        if channel.is_closed() or is_over():
                            return
                        tries = 0  # It answers; only its build has not ended yet
                        break
                    last, tries = identifier or last, 0
                    yield entry_of(data)
        except httpx.TransportError:
            if tries >= TRIES:
                raise
        except RefusedError as error:
            if tries >= TRIES or error.status < 500:
                raise
        tries += 1
        channel.wait(tries)


def entry_of(data: str) -> LogEntry:
    """Return the entry that an event's data is; raises CommandError for what is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise CommandError("The log has an event that is no log entry.")
    return full_entry(document)


def events(lines: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    """Give type, id and data of each Server-Sent Event."""
    kind, identifier, data = "", "", ""
    for text in lines:
        line = text.removesuffix("\r")
        if not line:
            if data:
                yield kind, identifier, data
            kind, identifier, data = "", "", ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "id" and value.isascii() and value.isprintable():
            identifier = value
        elif name == "data":
            data = value
