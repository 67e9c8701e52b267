"""Executions as the cache keeps them: a record of what is read of each again and again, and never more than that.

An execution may have 1.5 MiB, and become twenty times that when it is parsed. A user who creates ten thousand of them
must not decide how much memory the controller needs. Records are therefore read off an object without the models; what
a pass needs beside them comes from a bounded store of small texts (``small_texts``), or from the API server.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject, object_at
from serviceexecution.controller.known.unreadable import BriefMetadata, brief_metadata, faults_of
from serviceexecution.controller.known.weight import is_within
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import CallbackState, Phase

SMALL_BYTES: Final = 16 * 1024
"""Longest JSON text of an execution that is worth keeping: common ones have some 7 KB."""
SPEC_BYTES: Final = 128 * 1024
"""Most of a spec beside its input. It is read in one step of the event loop, which many small values make long: this
many of them take some 30 ms."""
MOST_OF_A_PROBLEM: Final = 500
"""Characters of why a spec cannot be read: it may name five fields, each by a long path."""

_NEEDED: Final = frozenset({"attempts", "earlierAttempts", "job", "pod", "service"})
"""Members of a status that say what has been made and taken: without them a program could run twice."""
_TOO_DEEP: Final = "recursion_depth_exceeded"
"""What Pydantic calls an object that is nested too deep: no version of ours writes one."""
_INPUTS: Final = frozenset({"input", "inputJson"})
_PHASES: Final = {phase.value: phase for phase in Phase}


@dataclass(frozen=True, slots=True)
class LiveExecution:
    """An execution that has not ended."""

    metadata: BriefMetadata
    phase: Phase | None
    reason: str | None
    service: str | None
    """Name of the service that it is a run of."""
    created: str
    """When, as the API server writes it: sorts by time."""
    holds: bool
    """It has taken what it runs with from its service: it counts for the service's concurrency."""
    lingers: bool
    """It is cancelled or being deleted: it waits for nothing."""

    @property
    def waits(self) -> bool:
        """Tell whether it is in its service's queue, or new: one that lacks something holds nobody up."""
        return not self.holds and not self.lingers and (self.phase is None or self.reason == Reason.QUEUED)


@dataclass(frozen=True, slots=True)
class EndedExecution:
    """An execution that has ended; most known ones ended long ago."""

    metadata: BriefMetadata
    phase: Phase
    observed: bool
    """The status speaks of the newest spec."""
    expires: datetime | None
    """When its time to live is over."""
    callback_due: bool
    deleting: bool


@dataclass(frozen=True, slots=True)
class UnreadableExecution:
    """An execution that does not fit the models, although the API server took it."""

    metadata: BriefMetadata
    problem: str
    written_by_newer: bool = False
    """Its spec fits; its status has words of a newer version, which go on counting when that is back."""


CachedExecution = LiveExecution | EndedExecution


def recorded(body: JsonObject) -> CachedExecution:
    """Return the record of an execution; ``body`` is as the API server has it, whatever its spec holds."""
    found, status, spec = object_at(body, "metadata"), object_at(body, "status"), object_at(body, "spec")
    metadata = brief_metadata(body)
    phase = _PHASES.get(_text(status, "phase") or "")
    deleting = found.get("deletionTimestamp") is not None
    if phase is not None and phase.terminal:
        return EndedExecution(
            metadata,
            phase,
            observed=status.get("observedGeneration") == found.get("generation"),
            expires=_expiry(spec, status),
            callback_due=_text(object_at(status, "callback"), "state") == CallbackState.PENDING.value,
            deleting=deleting,
        )
    return LiveExecution(
        metadata,
        phase,
        _text(status, "reason"),
        service=_text(object_at(spec, "serviceRef"), "name"),
        created=_text(found, "creationTimestamp") or "",
        holds=isinstance(status.get("service"), dict),
        lingers=deleting or spec.get("cancel") is True,
    )


def read_execution(body: JsonObject) -> ServiceExecution | UnreadableExecution:
    """Return the whole execution.

    ``spec.input`` is taken as it is: see ``effective.spec_on_top``.
    """
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return _read(body)
    given = spec.get("input")
    rest: JsonObject = {name: value for name, value in spec.items() if name not in _INPUTS}
    if not is_within(rest, SPEC_BYTES):
        problem = (
            f"spec: it has more than {SPEC_BYTES // 1024} KiB beside its input; shorten podTemplate or env."
        )
        return UnreadableExecution(brief_metadata(body), problem)
    if not isinstance(given, dict):
        return _read(body)
    execution = _read({**body, "spec": {**spec, "input": {}}})
    if isinstance(execution, UnreadableExecution):
        return execution
    return execution.model_copy(update={"spec": execution.spec.model_copy(update={"input": given})})


def small_text(body: JsonObject) -> bytes | None:
    """Return the execution as JSON text when that is short. ``managedFields`` is left out."""
    kept = {**body, "metadata": {**object_at(body, "metadata"), "managedFields": None}}
    if not is_within(kept, SMALL_BYTES):
        return None
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")
    return text if len(text) <= SMALL_BYTES else None


def _read(body: JsonObject) -> ServiceExecution | UnreadableExecution:
    try:
        return ServiceExecution.model_validate(body)
    except ValidationError as error:
        faults = faults_of(error)
        if len(faults) > MOST_OF_A_PROBLEM:
            faults = faults[: MOST_OF_A_PROBLEM - 1] + "…"
        found = error.errors(include_url=False, include_input=False)
        places = [fault["loc"] for fault in found]
        is_too_deep = any(fault["type"] == _TOO_DEEP for fault in found)
        if is_too_deep or any(len(place) < 2 or place[0] != "status" for place in places):
            return UnreadableExecution(brief_metadata(body), faults)
        older = _without_newer_words(body, {str(place[1]) for place in places})
        return older or UnreadableExecution(brief_metadata(body), faults, written_by_newer=True)


def _without_newer_words(body: JsonObject, members: set[str]) -> ServiceExecution | None:
    """Return the execution without these members of its status, None when no pass could be right without them.

    After a rollback a status may have words that a newer version wrote. A run that goes on is followed and ended
    nevertheless.
    """
    status = object_at(body, "status")
    if members & _NEEDED or status.get("completionTime") is not None:
        return None
    rest: JsonObject = {name: value for name, value in status.items() if name not in members}
    if "phase" in members:
        rest["phase"] = (Phase.RUNNING if rest.get("startTime") is not None else Phase.PENDING).value
    try:
        return ServiceExecution.model_validate({**body, "status": rest})
    except ValidationError:
        return None


def _expiry(spec: JsonObject, status: JsonObject) -> datetime | None:
    """Return when the execution is to be deleted: its own time to live counts before its service's."""
    ttl = spec.get("ttlSecondsAfterFinished")
    if ttl is None:
        ttl = object_at(object_at(status, "service"), "fields").get("ttlSecondsAfterFinished")
    ended = _text(status, "completionTime")
    if not isinstance(ttl, int) or ended is None:
        return None
    try:
        return datetime.fromisoformat(ended) + timedelta(seconds=ttl)
    except (ValueError, OverflowError):
        return None


def _text(value: JsonObject, name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) else None
