"""Around every request: access log, metrics, and the check that its path is proper UTF-8."""

import time
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_to_bytes

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serviceexecution.fairness.payers import Payer, paid_by
from serviceexecution.gateway import metrics
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE
from serviceexecution.gateway.http.gone import CutAnswerError
from serviceexecution.gateway.http.middleware.base_paths import with_one_slash
from serviceexecution.gateway.http.middleware.entrance import GoneBeforeItsTurnError
from serviceexecution.gateway.http.payers import stranger
from serviceexecution.gateway.http.problems import Problem, response_of
from serviceexecution.gateway.http.traces import Offer, begin_trace, end_trace
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError

logger = structlog.stdlib.get_logger("serviceexecution.gateway.access")
_QUIET_ROUTES: Final = frozenset({"/healthz", "/readyz"})
LONGEST_LOGGED: Final = 1000
"""Characters of a path, or of an error, that are logged: a head may have 64 KiB, and whoever reaches the port may send
it."""
_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"})


class ObservedApp:
    """ASGI middleware; bodies pass through it chunk by chunk."""

    def __init__(self, app: ASGIApp, offer: Offer | None = None) -> None:
        """``offer`` takes spans to be sent; None: nothing is traced."""
        self._app = app
        self._offer = offer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        status = CLIENT_GONE
        received = sent = 0
        begun = True
        started_answer = False
        cut: str | None = None

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            nonlocal sent, status, started_answer
            if message["type"] == "http.response.start":
                status, started_answer = message["status"], True
            sent += len(message.get("body", b""))
            await send(message)

        trace = begin_trace(scope, traced=self._offer is not None)
        started = time.perf_counter()
        metrics.ACTIVE.inc()
        try:
            if is_proper_path(scope):
                scope["path"] = with_one_slash(scope["path"])
                with paid_by(_stranger(scope)):
                    await self._app(scope, counted_receive, counted_send)
            else:
                problem = Problem(
                    HTTPStatus.BAD_REQUEST, "InvalidPath", "The URL's path is not percent-encoded UTF-8."
                )
                await response_of(problem)(scope, counted_receive, counted_send)
        except GoneBeforeItsTurnError:
            begun = False
        except ClientDisconnect:
            status = CLIENT_GONE
        except Exception as error:
            status = HTTPStatus.INTERNAL_SERVER_ERROR.value
            cut = _lost(error) if started_answer else None
            if cut is not None:
                raise CutAnswerError from None
            raise
        finally:
            metrics.ACTIVE.dec()
            _report(scope, status, received, sent, time.perf_counter() - started, begun=begun, cut=cut)
            if self._offer is not None:
                end_trace(
                    trace, scope, self._offer, method=_method(scope), route=_route(scope), status=status
                )


def _stranger(scope: Scope) -> Payer:
    """Return who pays for a request until it is known who calls."""
    client = scope.get("client")
    return stranger(f"address {client[0] if client else 'unknown'}")


def is_proper_path(scope: Scope) -> bool:
    """Tell whether the decoded path is exactly what was sent: servers replace bytes that are not UTF-8."""
    path: str = scope["path"]
    raw: bytes = scope.get("raw_path") or path.encode()
    try:
        return unquote_to_bytes(raw).decode() == path
    except UnicodeDecodeError:
        return False


def _lost(error: Exception) -> str | None:
    """Return what an answer could not go on for when that is no error of ours: the store, a volume, the API server.

    Starlette wraps those that would have been an answer of their own.
    """
    cause = error.__cause__ if isinstance(error, RuntimeError) else error
    return str(cause) if isinstance(cause, StoreError | KubernetesError | Problem) else None


def _route(scope: Scope) -> str:
    route: str = getattr(scope.get("route"), "path", "unknown")
    return route


def _logged(text: str) -> str:
    return text if len(text) <= LONGEST_LOGGED else f"{text[:LONGEST_LOGGED]}… ({len(text)} characters)"


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _report(
    scope: Scope, status: int, received: int, sent: int, seconds: float, *, begun: bool, cut: str | None
) -> None:
    route, method = _route(scope), _method(scope)
    metrics.REQUESTS.labels(method, route, str(status)).inc()
    metrics.SECONDS.labels(method, route).observe(seconds)
    metrics.RECEIVED.inc(received)
    metrics.SENT.inc(sent)
    state = scope["state"]
    reference = state.get("execution")
    facts: dict[str, object] = {}
    if isinstance(reference, ExecutionReference):
        facts = {"namespace": reference.namespace, "execution": reference.name, "uid": reference.uid}
    if "caller" in state:
        facts["caller"] = state["caller"]
    log = logger.debug if route in _QUIET_ROUTES or not begun else logger.info
    if cut is not None:
        log, facts = logger.warning, {**facts, "cut": _logged(cut)}
    log(
        "request",
        method=scope["method"],
        route=route,
        path=_logged(scope["path"]),
        status=int(status),  # Of an HTTPStatus the log would show more than the number
        seconds=round(seconds, 4),
        received=received,
        sent=sent,
        **facts,
    )
