"""The trace that a request belongs to, and its own span, where traces are sent to a collector."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from serviceexecution.contract.traceparent import TraceContext
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.tracing.span import Span, SpanKind

Offer = Callable[[Iterable[Span]], None]

_HEADER: Final = b"traceparent"
_STATE: Final = "trace"


@dataclass(slots=True)
class RequestTrace:
    """What is known of the trace of one request while it is answered."""

    given: TraceContext | None
    """The caller's."""
    own: TraceContext | None
    """The request's span; None: it has none, since nothing is traced or the caller does not record its trace."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    makes_execution: bool = False


def begin_trace(scope: Scope, *, traced: bool) -> RequestTrace:
    """Note which trace a request belongs to. One header counts; two are none, as they contradict each other."""
    texts = [value for name, value in scope["headers"] if name == _HEADER]
    given = TraceContext.parse(texts[0].decode("latin-1")) if len(texts) == 1 else None
    own = None
    if traced and (given is None or given.sampled):
        own = TraceContext(
            secrets.token_hex(16) if given is None else given.trace_id,
            secrets.token_hex(8),
            "01" if given is None else given.flags,
        )
    trace = RequestTrace(given, own)
    scope["state"][_STATE] = trace
    return trace


def trace_of_new_execution(request: Request) -> str | None:
    """Return the traceparent for the execution that a request makes; such a request always has a span."""
    trace: RequestTrace | None = request.scope.get("state", {}).get(_STATE)
    if trace is None:
        return None
    trace.makes_execution = True
    context = trace.own or trace.given
    return None if context is None else context.text


def end_trace(
    trace: RequestTrace, scope: Scope, offer: Offer, *, method: str, route: str, status: int
) -> None:
    """Send a request's span: when it makes an execution, or its caller is known and records the trace.

    Other requests have none: most are polls, and strangers must not fill the queue of spans.
    """
    state = scope["state"]
    wanted = trace.makes_execution or (trace.given is not None and "caller" in state)
    if trace.own is None or not wanted:
        return
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
    }
    reference = state.get("execution")
    if isinstance(reference, ExecutionReference):
        attributes |= {
            "k8s.namespace.name": reference.namespace,
            "serviceexecution.execution": reference.name,
        }
    failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    offer(
        [
            Span(
                trace_id=trace.own.trace_id,
                span_id=trace.own.span_id,
                parent_id=None if trace.given is None else trace.given.span_id,
                name=f"{method} {route}",
                start=trace.started,
                end=datetime.now(UTC),
                kind=SpanKind.SERVER,
                attributes=attributes,
                problem=f"Status {status}" if failed else None,
            )
        ]
    )
