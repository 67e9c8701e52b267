"""Who asked the API server for what, counted from its audit log."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, cast

from serviceexecution.contract.json_types import JsonObject, object_at

READS: Final = frozenset({"get", "list"})
WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
APART: Final = frozenset({"events", "tokenreviews", "subjectaccessreviews", "leases"})
"""Beside an execution's course: to tell of it, to ask who somebody is, to be the one that works."""


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
        self._path = path
        self._start = path.stat().st_size

    def requests(self, *, namespace: str) -> Counter[Request]:
        """Return how many requests of each kind there were, about this namespace or none."""
        found: Counter[Request] = Counter()
        with self._path.open("rb") as file:
            file.seek(self._start)
            for line in file:
                try:
                    event = cast("JsonObject", json.loads(line))
                except ValueError:
                    continue  # The last line while it is being written
                about = object_at(event, "objectRef")
                if event.get("stage") == "ResponseStarted" or about.get("namespace") not in {None, namespace}:
                    continue
                parts = [str(about[key]) for key in ("resource", "subresource") if about.get(key)]
                caller = str(event.get("userAgent") or "").partition("/")[0].partition(" ")[0]
                found[Request(caller, str(event.get("verb")), "/".join(parts))] += 1
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
