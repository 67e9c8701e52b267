"""Events of a watch, from the chunks of its stream."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.answers import error_of_status, read_object
from serviceexecution.kube.errors import KubernetesError


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: type ADDED, MODIFIED, DELETED or BOOKMARK (which only carries a newer resource version)."""

    type: str
    object: JsonObject


async def watch_events(chunks: AsyncIterator[bytes]) -> AsyncIterator[WatchEvent]:
    """Give the events of a stream of lines, cut anywhere. Raises GoneError or KubernetesError on an ERROR event."""
    rest: list[bytes] = []
    async for chunk in chunks:
        head, newline, tail = chunk.rpartition(b"\n")
        if newline:
            rest.append(head)
            for line in b"".join(rest).split(b"\n"):
                if line:
                    yield await _event(line)
            rest = []
        if tail:
            rest.append(tail)


async def _event(line: bytes) -> WatchEvent:
    event = await read_object(line)
    changed = event.get("object")
    if not isinstance(changed, dict):
        message = f"a watch event without an object: {line[:200]!r}"
        raise KubernetesError(message)
    if event.get("type") == "ERROR":
        code = changed.get("code")
        raise error_of_status(code if isinstance(code, int) else 500, changed)
    return WatchEvent(str(event.get("type")), changed)
