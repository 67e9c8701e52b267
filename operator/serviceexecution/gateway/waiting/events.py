"""Executions as Server-Sent Events: one that changes, or all of a service or a namespace."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.logs.streams import Bounds
from serviceexecution.gateway.state.changes import Change
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.errors import KubernetesError

HEARTBEAT_SECONDS: Final = 15.0
"""How long a stream stays silent: a comment keeps proxies from closing it."""
MOST_PENDING: Final = 1000
"""Changed executions that wait for a client that reads slowly; beyond that it is told to begin anew."""
PAUSE_SECONDS: Final = 0.2
"""Between two looks at what has changed: of an execution that changes often only the newest status is sent."""
_AT_ONCE: Final = 50
"""Executions that are sent without a pause for other requests."""
BOUNDS: Final = Bounds(
    per_caller=64,
    per_namespace=128,
    per_process=512,
    what="streams of executions and services",
    instead="ask for the status, with Prefer: wait",
)
View = Callable[[KnownExecution], Awaitable[JsonObject]]
"""Makes the document of an execution."""


class Bell:
    """Rings when something has changed, or when the stream must end: one task for a whole stream."""

    def __init__(self, ending: asyncio.Event) -> None:
        self.rung = asyncio.Event()
        self._end = asyncio.create_task(ending.wait())
        self._end.add_done_callback(lambda _: self.rung.set())

    def ring(self) -> None:
        """Say that something has changed."""
        self.rung.set()

    async def rings(self) -> bool:
        """Wait until it rings; False when it has not for so long that a heartbeat is due."""
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await self.rung.wait()
        except TimeoutError:
            return False
        self.rung.clear()
        return True

    async def next_look(self) -> bytes:
        """Wait until it is time to look again; return the heartbeat that is due when nothing has changed, else b""."""
        await asyncio.sleep(PAUSE_SECONDS)
        return b"" if await self.rings() else b": still there\n\n"

    def close(self) -> None:
        """End its task."""
        self._end.cancel()


async def execution_events(
    state: ServiceState, execution: KnownExecution, view: View, *, last_id: str, ending: asyncio.Event
) -> AsyncIterator[bytes]:
    """Give the status of an execution and each other one that it gets, and an event ``end`` behind the last.

    ``last_id`` is the id of the last event that the client has seen: that status is not sent again.
    """
    bell = Bell(ending)
    told = int(last_id) if is_number(last_id) else None
    try:
        yield b": the execution\n\n"
        with state.changes.of_execution(execution.uid, lambda _: bell.ring()):
            while not ending.is_set():
                known = await state.execution(execution.namespace, None, state.id_of(execution))
                if known is None or known.uid != execution.uid:
                    yield event_text(
                        "removed", state.changes.version(execution.namespace), {"id": state.id_of(execution)}
                    )
                    return
                if told is None or known.version != told:
                    yield event_text("execution", known.version, await view(known))
                    told = known.version
                if known.has_ended:
                    yield b"event: end\ndata: {}\n\n"
                    return
                if comment := await bell.next_look():
                    yield comment
    except (Problem, KubernetesError):
        return  # The client comes again, with the id of the last event
    finally:
        bell.close()


class _Pending:
    """What has changed since the client was last told: of each execution the newest."""

    def __init__(self, service: str | None, bell: Bell) -> None:
        self.changes: dict[str, Change] = {}
        self.too_many = False
        self._service = service
        self._bell = bell

    def note(self, change: Change) -> None:
        if self._service not in {None, change.execution.service}:
            return
        if len(self.changes) >= MOST_PENDING and change.execution.uid not in self.changes:
            self.too_many = True
            return
        self.changes[change.execution.uid] = change
        self._bell.ring()

    def take(self) -> list[Change]:
        """Return the changes in their order, and forget them."""
        found = sorted(self.changes.values(), key=lambda one: one.version)
        self.changes.clear()
        return found


async def list_events(
    state: ServiceState,
    namespace: str,
    service: str | None,
    view: View,
    *,
    last_id: str,
    ending: asyncio.Event,
) -> AsyncIterator[bytes]:
    """Give each change of the executions of a service, or of all of a namespace.

    It begins with an event ``open``: a list that is asked for then, with these events, misses nothing. After
    ``last_id`` come first the changes since then, or an event ``reset`` when they are not known any more: the list must
    then be asked for again.
    """
    bell = Bell(ending)
    pending = _Pending(service, bell)
    try:
        yield b": the executions\n\n"
        with state.changes.of_namespace(namespace, pending.note):
            if not last_id:
                yield event_text("open", state.changes.version(namespace), {})
            elif not await _resumed(state, namespace, service, pending, last_id):
                yield event_text("reset", state.changes.version(namespace), {})
            while not ending.is_set():
                for number, change in enumerate(pending.take()):
                    if number % _AT_ONCE == _AT_ONCE - 1:
                        await asyncio.sleep(0)
                    yield await _event_of(state, change, view)
                if pending.too_many:
                    pending.too_many = False
                    yield event_text("reset", state.changes.version(namespace), {})
                if comment := await bell.next_look():
                    yield comment
    except (Problem, KubernetesError):
        return
    finally:
        bell.close()


async def _resumed(
    state: ServiceState, namespace: str, service: str | None, pending: _Pending, last_id: str
) -> bool:
    """Note what has changed since an event; False when that is not known any more."""
    if not is_number(last_id):
        return False
    since = int(last_id)
    removed = state.changes.removed_since(namespace, since)
    if removed is None:
        return False
    for number, known in enumerate(await state.executions(namespace, service)):
        if known.version > since:
            pending.note(Change(known, removed=False, version=known.version))
        if number % 1000 == 0:
            await asyncio.sleep(0)
    for change in removed:
        pending.note(change)
    return not pending.too_many


async def _event_of(state: ServiceState, change: Change, view: View) -> bytes:
    if change.removed:
        return event_text("removed", change.version, {"id": state.id_of(change.execution)})
    return event_text("execution", change.version, await view(change.execution))


def event_text(kind: str, version: int, data: JsonObject) -> bytes:
    """Return a Server-Sent Event whose id is the version."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {version}\nevent: {kind}\ndata: {text}\n\n".encode()


def is_number(text: str) -> bool:
    """Tell whether the id of an event can be a version."""
    return text.isascii() and text.isdecimal() and len(text) < 20
