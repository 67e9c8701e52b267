"""Who asked the API server for what, counted from its audit log."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from serviceexecution.contract.json_types import object_at
from tests.support.audit import APART, AuditLog, resource_of

READS: Final = frozenset({"get", "list"})


class Request(NamedTuple):
    """A kind of request."""

    caller: str
    """The client's name, without its version."""
    verb: str
    resource: str
    """With its subresource."""


class AuditCount:
    """Requests from the moment when this was made."""

    def __init__(self, path: Path) -> None:
        self._log = AuditLog(path)

    def requests(self, *, namespace: str) -> Counter[Request]:
        """Return how many requests of each kind there were, about this namespace or none."""
        found: Counter[Request] = Counter()
        for event in self._log.events():
            about = object_at(event, "objectRef")
            if event.get("stage") == "ResponseStarted" or about.get("namespace") not in {None, namespace}:
                continue
            caller = str(event.get("userAgent") or "").partition("/")[0].partition(" ")[0]
            found[Request(caller, str(event.get("verb")), resource_of(event))] += 1
        return found


def of_callers(
    requests: Mapping[Request, int], callers: str, verbs: frozenset[str], *, exactly: bool = False
) -> dict[str, int]:
    """Return "verb resource" → number, of callers whose names begin so, or are so; what is apart is left out."""
    found: Counter[str] = Counter()
    for request, number in requests.items():
        is_meant = request.caller == callers if exactly else request.caller.startswith(callers)
        if is_meant and request.verb in verbs and request.resource not in APART:
            found[f"{request.verb} {request.resource}"] += number
    return dict(sorted(found.items()))
