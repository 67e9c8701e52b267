"""What the commands read of services, revisions and executions: small, without the models of the operator.

Those take a second to import, and check more than a reader needs. Pure.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from serviceexecution.contract.json_types import JsonObject, object_of, objects_of

ENDED_REVISION: Final = frozenset({"Succeeded", "Failed", "Cancelled", "Superseded"})
ENDED_EXECUTION: Final = frozenset({"Succeeded", "Failed", "Cancelled"})
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class RevisionSummary:
    """One build."""

    name: str
    phase: str
    reason: str
    message: str
    source_digest: str
    commit: str
    image: str
    started: datetime | None
    ended: datetime | None

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more happens to it."""
        return self.phase in ENDED_REVISION


@dataclass(frozen=True, slots=True)
class ConditionSummary:
    """One condition."""

    status: str
    reason: str
    message: str
    generation: int


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """A ServiceDefinition."""

    name: str
    namespace: str
    created: datetime | None
    generation: int
    observed_generation: int
    phase: str
    serving: str
    """Name of the revision that executions run, "" when none was built."""
    pinned: str
    """spec.revision, "" when the newest serves."""
    build_token: str
    built_from: str
    """spec.source and spec.runtime in one text, to tell them from others."""
    image: str
    revisions: tuple[RevisionSummary, ...]
    """Newest first."""
    conditions: dict[str, ConditionSummary]

    def find(self, revision: str) -> RevisionSummary | None:
        """Return the revision of that name."""
        return next((one for one in self.revisions if one.name == revision), None)

    @property
    def is_current(self) -> bool:
        """Tell whether the operator has seen the newest spec."""
        return self.observed_generation >= self.generation


@dataclass(frozen=True, slots=True)
class AttemptSummary:
    """An attempt after which another one was made."""

    number: int
    reason: str
    exit_code: str
    node: str
    memory: str
    """Memory limit of its program."""
    started: datetime | None
    ended: datetime | None
    document: JsonObject
    """All that status says of it."""


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """A ServiceExecution."""

    name: str
    namespace: str
    uid: str
    service: str
    """Name of its service, "" for one without."""
    revision: str
    phase: str
    reason: str
    message: str
    created: datetime | None
    started: datetime | None
    ended: datetime | None
    attempts: tuple[AttemptSummary, ...] = ()
    """Those before the last one, or all of them while the next one is waited for."""
    tags: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    """Types of the conditions that are true."""

    @property
    def api_id(self) -> str:
        """Return the id that the Service API shows: the name when that is a UUID, else the uid."""
        return self.name if _UUID.fullmatch(self.name) else self.uid

    @property
    def is_over(self) -> bool:
        """Tell whether it is in a final phase."""
        return self.phase in ENDED_EXECUTION


def service_summary(item: JsonObject) -> ServiceSummary:
    """Return what is read of a ServiceDefinition."""
    metadata, spec, status = (object_of(item.get(part)) for part in ("metadata", "spec", "status"))
    conditions = {
        _text(entry, "type"): ConditionSummary(
            _text(entry, "status"),
            _text(entry, "reason"),
            _text(entry, "message"),
            _integer(entry, "observedGeneration"),
        )
        for entry in objects_of(status.get("conditions"))
    }
    return ServiceSummary(
        name=_text(metadata, "name"),
        namespace=_text(metadata, "namespace"),
        created=_time(metadata, "creationTimestamp"),
        generation=_integer(metadata, "generation"),
        observed_generation=_integer(status, "observedGeneration"),
        phase=_text(status, "phase"),
        serving=_text(status, "revision"),
        pinned=_text(spec, "revision"),
        build_token=_text(object_of(spec.get("build")), "token"),
        built_from=json.dumps([spec.get("source"), spec.get("runtime")], sort_keys=True),
        image=_text(status, "image"),
        revisions=tuple(_revision(entry) for entry in objects_of(status.get("revisions"))),
        conditions=conditions,
    )


def execution_summary(item: JsonObject) -> ExecutionSummary:
    """Return what is read of a ServiceExecution."""
    metadata, spec, status = (object_of(item.get(part)) for part in ("metadata", "spec", "status"))
    return ExecutionSummary(
        name=_text(metadata, "name"),
        namespace=_text(metadata, "namespace"),
        uid=_text(metadata, "uid"),
        service=_text(object_of(spec.get("serviceRef")), "name"),
        revision=_text(object_of(status.get("service")), "revision"),
        phase=_text(status, "phase") or "Pending",
        reason=_text(status, "reason"),
        message=_text(status, "message"),
        created=_time(metadata, "creationTimestamp"),
        started=_time(status, "startTime"),
        ended=_time(status, "completionTime"),
        attempts=tuple(_attempt(entry) for entry in objects_of(status.get("earlierAttempts"))),
        tags=_texts(spec.get("tags")),
        conditions=tuple(
            _text(entry, "type")
            for entry in objects_of(status.get("conditions"))
            if entry.get("status") == "True"
        ),
    )


def shown_seconds(start: datetime | None, end: datetime | None) -> str:
    """Return a length of time as kubectl shows it, ``3m20s``; "" when it has not begun."""
    if start is None:
        return ""
    seconds = max(0, int(((end or datetime.now(UTC)) - start).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 60:
        return f"{minutes}m{seconds % 60}s" if minutes < 10 else f"{minutes}m"
    if hours < 48:
        return f"{hours}h{minutes % 60}m" if hours < 8 else f"{hours}h"
    return f"{days}d"


def _revision(entry: JsonObject) -> RevisionSummary:
    return RevisionSummary(
        name=_text(entry, "name"),
        phase=_text(entry, "phase"),
        reason=_text(entry, "reason"),
        message=_text(entry, "message"),
        source_digest=_text(entry, "sourceDigest"),
        commit=_text(entry, "commit"),
        image=_text(entry, "image"),
        started=_time(entry, "startTime"),
        ended=_time(entry, "completionTime"),
    )


def _attempt(entry: JsonObject) -> AttemptSummary:
    return AttemptSummary(
        number=_integer(entry, "attempt"),
        reason=_text(entry, "reason"),
        exit_code=_text(entry, "exitCode"),
        node=_text(object_of(entry.get("pod")), "node"),
        memory=_text(entry, "memoryLimit"),
        started=_time(entry, "startTime"),
        ended=_time(entry, "endTime"),
        document=entry,
    )


def _text(entry: JsonObject, name: str) -> str:
    value = entry.get(name)
    return "" if value is None else str(value)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(word) for word in value) if isinstance(value, list) else ()


def _integer(entry: JsonObject, name: str) -> int:
    value = entry.get(name)
    return value if isinstance(value, int) else 0


def _time(entry: JsonObject, name: str) -> datetime | None:
    value = entry.get(name)
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
