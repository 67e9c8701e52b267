"""Streams to clients, such as followed logs: how many at once, and no longer than the right to read them lasts."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Final

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from serviceexecution.fairness.allowances import Allowances
from serviceexecution.fairness.turns import Use
from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.http.payers import caller_payer
from serviceexecution.gateway.http.problems import Problem, response_of
from serviceexecution.gateway.logs.events import LOG_HEADERS, events
from serviceexecution.gateway.logs.reader import Lines
from serviceexecution.kube.errors import KubernetesError

PER_CALLER: Final = 32
"""Each open stream looks into the store every second; a terminal has one, a page that shows a pipeline a dozen."""
PER_NAMESPACE: Final = 64
"""Beyond that who follows most of them makes room for who follows fewer."""
LOOKS_PER_SECOND: Final = 32
"""Looks at logs of one namespace: where more streams are open, each looks less often."""
LOOKS_SAVED: Final = 2 * PER_NAMESPACE
"""So many at once after a rest: a stream begins with what is there already."""
PER_PROCESS: Final = 256
"""Beyond that a namespace has one stream, up to twice as many in all: a flood shuts no newcomer out."""
AGAIN_SECONDS: Final = 20.0
"""How often the right is asked for again, and how old the API server's word on the token may be then: so both are known
to be gone within a minute, with the ten seconds for which a yes is remembered."""
_GRACE_SECONDS: Final = 5.0
"""How long a client that does not read may take for the rest of a stream that ends."""

_RETRY_AFTER: Final = {"Retry-After": "10"}

Followed = Callable[[asyncio.Event], AsyncIterator[Lines | None]]
"""Gives lines until the log ends or the event is set."""
Body = Callable[[asyncio.Event], AsyncIterator[bytes]]
"""Gives what is sent until it ends or the event is set."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many streams of a kind are open at once."""

    per_caller: int = PER_CALLER
    per_namespace: int = PER_NAMESPACE
    per_process: int = PER_PROCESS
    what: str = "logs"
    """What is followed, as problems say it."""
    instead: str = "read the log without following it"
    """What else a client can do."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The right by which somebody follows a log, as ``Access.require`` takes it."""

    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str


@dataclass(slots=True, eq=False)
class Place:
    """One open stream's."""

    account: str
    """Who follows; the ServiceAccounts of a namespace are one, as anybody there may make more."""
    leave: Callable[[], object] = field(default=bool)
    """Ends the stream, to make room for another."""
    is_held: bool = True


class Streams:
    """State owner of the open streams of one kind of this process."""

    def __init__(self, access: Access, draining: asyncio.Event, bounds: Bounds = Bounds()) -> None:
        self._access = access
        self._bounds = bounds
        self._draining = draining
        self._callers: Counter[str] = Counter()
        self._namespaces: defaultdict[str, dict[Place, None]] = defaultdict(dict)
        self._looks = Allowances(rate=LOOKS_PER_SECOND, saved=LOOKS_SAVED)

    @property
    def use(self) -> Use:
        """Return how many streams are open, of how many until each namespace has one."""
        return Use(sum(map(len, self._namespaces.values())), self._bounds.per_process)

    def follow(self, request: Request, standing: Standing, lines: Followed) -> Response:
        """Return the answer that sends each line as it comes, and an event ``end`` behind the last.

        It is a problem 429 or 503 when too many streams are open. The caller has been authorised.
        """

        async def paced(ending: asyncio.Event) -> AsyncIterator[Lines | None]:
            async for batch in lines(ending):
                yield batch
                await self.look(standing.namespace)

        return self.send(request, standing, lambda ending: events(paced(ending), ending))

    def send(self, request: Request, standing: Standing, body: Body) -> Response:
        """Return the answer that sends a body of Server-Sent Events; else as ``follow``."""
        return _Stream(self, request, standing, body)

    @contextlib.contextmanager
    def place(self, caller: str, namespace: str) -> Iterator[Place]:
        """Hold one of the places for streams; raises Problem 429 or 503.

        It may be given to another meanwhile, who follows fewer logs of the namespace: its stream is told to leave.
        """
        most = self._bounds.per_caller
        if self._callers[caller] >= most:
            raise _too_many(f"You follow {most} {self._bounds.what} already; end one of these streams first.")
        place = Place(caller_payer(caller).name)
        self._make_room(place.account, namespace)
        self._callers[caller] += 1
        self._namespaces[namespace][place] = None
        try:
            yield place
        finally:
            self._callers[caller] -= 1
            if not self._callers[caller]:
                del self._callers[caller]
            self._give_back(place, namespace)

    async def look(self, namespace: str) -> None:
        """Wait until a stream of the namespace may look into its log again."""
        await self._looks.take(namespace, 1, patience=float("inf"))

    def _make_room(self, account: str, namespace: str) -> None:
        places, bounds = self._namespaces.get(namespace, {}), self._bounds
        most, what = bounds.per_namespace, bounds.what
        if len(places) >= most:
            leaving = _newest_of_most(places, account)
            if leaving is None:
                raise _too_many(
                    f"{most} {what} of namespace {namespace} are followed already; try again later."
                )
            self._give_back(leaving, namespace)
            leaving.leave()
            return
        everything = sum(map(len, self._namespaces.values()))
        if everything >= 2 * bounds.per_process or (everything >= bounds.per_process and places):
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "TooManyStreams",
                f"Too many {what} are followed at the moment; try again later, or {bounds.instead}.",
                headers=_RETRY_AFTER,
            )

    def _give_back(self, place: Place, namespace: str) -> None:
        if place.is_held:
            place.is_held = False
            del self._namespaces[namespace][place]
            if not self._namespaces[namespace]:
                del self._namespaces[namespace]

    async def until_it_must_end(self, request: Request, standing: Standing) -> None:
        """Return when the caller's token or right is gone, or cannot be told any more, or the process ends."""
        while not await self._drained():
            try:
                caller = await self._access.authenticate(request, within=AGAIN_SECONDS)
                await self._access.require(caller, **asdict(standing))
            except (Problem, KubernetesError):
                return

    async def _drained(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_SECONDS):
                await self._draining.wait()
        return self._draining.is_set()


class _Stream(Response):
    """Server-Sent Events that hold their place as long as they are sent, whatever ends them."""

    def __init__(self, streams: Streams, request: Request, standing: Standing, body: Body) -> None:
        super().__init__()
        self._streams = streams
        self._request = request
        self._standing = standing
        self._body = body

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = str(getattr(self._request.state, "caller", ""))
        with contextlib.ExitStack() as stack:
            try:
                place = stack.enter_context(self._streams.place(caller, self._standing.namespace))
            except Problem as problem:
                await response_of(problem)(scope, receive, send)
                return
            await self._serve(place, scope, receive, send)

    async def _serve(self, place: Place, scope: Scope, receive: Receive, send: Send) -> None:
        ending = asyncio.Event()
        answer = StreamingResponse(self._body(ending), media_type="text/event-stream", headers=LOG_HEADERS)
        serving = asyncio.create_task(answer(scope, receive, send))
        watching = asyncio.create_task(self._streams.until_it_must_end(self._request, self._standing))
        place.leave = watching.cancel
        try:
            await asyncio.wait((serving, watching), return_when=asyncio.FIRST_COMPLETED)
            ending.set()
            await asyncio.wait((serving,), timeout=_GRACE_SECONDS)
            if serving.done():
                await serving  # Raises what it raised
        finally:
            for task in (serving, watching):
                task.cancel()
            await asyncio.gather(serving, watching, return_exceptions=True)


def _newest_of_most(places: dict[Place, None], account: str) -> Place | None:
    """Return whose stream makes room for one of ``account``; None when nobody follows more than that one would."""
    held = Counter(place.account for place in places)
    most, number = held.most_common(1)[0]
    if number <= held[account] + 1:
        return None
    return next(place for place in reversed(places) if place.account == most)


def _too_many(detail: str) -> Problem:
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, "TooManyStreams", detail, headers=_RETRY_AFTER)
