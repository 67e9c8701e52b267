"""What the gateway says of an execution that waits for others."""

from typing import Final

import httpx

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.session import Session
from serviceexecution.cli.summaries import ExecutionSummary
from serviceexecution.contract.json_types import JsonObject, object_of

_WAITING: Final = frozenset({"Queued", "QuotaExceeded"})


def queue_line(session: Session, view: ExecutionSummary) -> str:
    """Return where an execution is in its queue and when it may start, "" when nobody can say."""
    if view.is_over or not view.service or view.reason not in _WAITING:
        return ""
    try:
        status = session.service_client(view.service).status(view.api_id)
    except (CommandError, httpx.HTTPError):
        return ""  # The cluster has said all that must be known
    return queue_text(object_of(status.get("queue")))


def queue_text(queue: JsonObject) -> str:
    """Return a sentence of it. Pure."""
    position, starts = queue.get("position"), object_of(queue.get("startsIn"))
    parts = [f"position {position}"] if isinstance(position, int) else []
    seconds = [starts.get(name) for name in ("seconds", "lower", "upper", "runs")]
    if all(isinstance(one, int) for one in seconds):
        median, lower, upper, runs = seconds
        parts.append(f"starts in about {median} s ({lower} to {upper} s, by the last {runs} runs)")
    return ", ".join(parts)
