"""Reads the API server's audit log: who wrote what, counted by what it was written to."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject, object_at
from tests.support.cluster import member

WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
APART: Final = frozenset({"events", "tokenreviews", "subjectaccessreviews", "leases"})
"""Written beside an execution's course: to tell of it, to ask who somebody is, to be the one that works."""


@dataclass(frozen=True)
class Write:
    """One accepted write."""

    user: str
    verb: str
    resource: str
    """With its subresource, such as ``serviceexecutions/status``."""

    @property
    def apart(self) -> bool:
        """Tell whether it is listed apart."""
        return self.resource in APART


class AuditLog:
    """The audit log from the moment when this was made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = path.stat().st_size

    def events(self) -> Iterator[JsonObject]:
        """Give each event since then."""
        with self._path.open("rb") as file:
            file.seek(self._start)
            for line in file:
                try:
                    yield cast("JsonObject", json.loads(line))
                except ValueError:
                    continue  # the last line while it is being written

    def writes(self, users: str, *, namespaces: Iterable[str]) -> list[Write]:
        """Return the writes of all users whose name starts with ``users``, in those namespaces or in none."""
        wanted = {*namespaces, None}
        found: list[Write] = []
        for event in self.events():
            user = str(member(event, "user", "username"))
            if not user.startswith(users) or event.get("stage") != "ResponseComplete":
                continue
            if event.get("verb") not in WRITES or member(event, "objectRef", "namespace") not in wanted:
                continue
            found.append(Write(user.rpartition(":")[2], str(event["verb"]), resource_of(event)))
        return found


def resource_of(event: JsonObject) -> str:
    """Return what a request was about, with its subresource, such as ``serviceexecutions/status``."""
    about = object_at(event, "objectRef")
    return "/".join(str(about[key]) for key in ("resource", "subresource") if about.get(key))


def counted(writes: Iterable[Write]) -> dict[str, int]:
    """Return "verb resource" → number."""
    return dict(sorted(Counter(f"{write.verb} {write.resource}" for write in writes).items()))
