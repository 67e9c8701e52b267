"""When a request for a status is held, and for how long."""

import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.fairness.payers import current_payer
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.gateway.waiting.address import WAITS
from serviceexecution.gateway.waiting.holds import Holds, Look
from serviceexecution.gateway.waiting.preference import preferred_wait

SETTLING_SECONDS: Final = 5.0
"""How long a client that does not know of waiting is not told of a change that is not the end: it pauses for as long
before it asks again, and most short runs have ended by then."""
TOLD_SECONDS: Final = 120.0
TOLD: Final = 10_000
"""Statuses that clients without a word for it are known to have been told, each for two minutes."""
MOST_TAGS: Final = 16
"""Tags of one ``If-None-Match`` that are compared while its request is held."""
_TAG: Final = re.compile('"[0-9a-f]{16}"')


@dataclass(frozen=True, slots=True)
class Waited:
    """What was done about a request's wish to wait."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """What its answer says of it."""
    held: bool = False
    """Whether time has passed: what was known before is old."""


class Waits:
    """Decides about holding. State owner of what clients were told that cannot say it themselves."""

    def __init__(self, state: ServiceState, holds: Holds, most_seconds: int) -> None:
        """With ``most_seconds`` 0 nothing is held."""
        self._state = state
        self._holds = holds
        self._most = most_seconds
        self._told: ExpiringCache[tuple[str, str], str] = ExpiringCache(seconds=TOLD_SECONDS, capacity=TOLD)
        self._tagged: tuple[KnownExecution, str] | None = None

    async def for_change(self, request: Request, execution: KnownExecution) -> Waited:
        """Hold a question for the status until it is another one; raises ClientDisconnect.

        With ``Prefer: wait``: another one than the client has by ``If-None-Match``, or else than it is now. At the
        address for waiting: another one than it was told there.
        """
        seconds = self._seconds(request)
        if seconds is not None:
            header = request.headers.get("if-none-match")
            known = (status_tag(execution),) if header is None else tags_in(header)
            held = await self._hold(request, execution, seconds, self._until_new(execution, known))
            return Waited({"Preference-Applied": f"wait={seconds}"} if held else {}, held=held)
        key = (current_payer().name, execution.uid)
        told = self._told.get(key) if WAITS in request.scope and self._most else None
        if told != status_tag(execution):
            return Waited()
        look = self._until_new(execution, (told,), settling=SETTLING_SECONDS)
        return Waited(held=await self._hold(request, execution, self._most, look))

    async def for_end(
        self, request: Request, execution: KnownExecution
    ) -> tuple[KnownExecution, dict[str, str]]:
        """Hold the answer to a submission until the execution has ended; raises ClientDisconnect.

        Returns the execution as the client is told of it, and what the answer says of the waiting.
        """
        headers: dict[str, str] = {}
        seconds = self._seconds(request)
        if seconds is not None:

            def look() -> float | None:
                return 0 if self._now(execution).has_ended else None

            if await self._hold(request, execution, seconds, look):
                headers["Preference-Applied"] = f"wait={seconds}"
                execution = self._now(execution)
        self._note(request, execution)
        return execution, headers

    def _note(self, request: Request, execution: KnownExecution) -> None:
        """Note which status the client is told now."""
        if WAITS in request.scope and not execution.has_ended:
            self._told.put((current_payer().name, execution.uid), status_tag(execution))

    def answer(
        self, request: Request, execution: KnownExecution, view: JsonObject, waited: Waited
    ) -> Response:
        """Return the answer to a question for the status, with its tag for clients that ask to wait."""
        self._note(request, execution)
        headers = {"Cache-Control": "no-cache", **waited.headers}
        if preferred_wait(request.headers.getlist("prefer")) is None:
            return JSONResponse(view, headers=headers)
        headers["ETag"] = status_tag(execution)
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return JSONResponse(view, headers=headers)

    async def _hold(self, request: Request, execution: KnownExecution, seconds: int, look: Look) -> bool:
        if look() == 0:
            return True
        return await self._holds.hold(request, execution, look, seconds)

    def _until_new(self, execution: KnownExecution, known: tuple[str, ...], settling: float = 0) -> Look:
        def look() -> float | None:
            now = self._now(execution)
            if now.has_ended:
                return 0
            return settling if self._tag_of(now) not in known else None

        return look

    def _tag_of(self, execution: KnownExecution) -> str:
        """Return its tag: at a change all who wait for an execution ask for the same one."""
        if self._tagged is None or self._tagged[0] is not execution:
            self._tagged = (execution, status_tag(execution))
        return self._tagged[1]

    def _now(self, execution: KnownExecution) -> KnownExecution:
        """Return what is known of it now; what has no room in memory is as it was."""
        return self._state.known_execution(execution.namespace, None, execution.uid) or execution

    def _seconds(self, request: Request) -> int | None:
        wanted = preferred_wait(request.headers.getlist("prefer"))
        return min(wanted, self._most) if wanted and self._most else None


def tags_in(header: str) -> tuple[str, ...]:
    """Return the tags of ours in an ``If-None-Match``, and nothing that keeps all of it. Pure."""
    return tuple(found[0] for found in itertools.islice(_TAG.finditer(header), MOST_TAGS))


def status_tag(execution: KnownExecution) -> str:
    """Return an entity tag of what the status shows. Pure."""
    shown = (
        execution.uid,
        execution.phase,
        execution.start_time,
        execution.completion_time,
        execution.attempts,
    )
    return f'"{hashlib.blake2s(repr(shown).encode(), digest_size=8).hexdigest()}"'
