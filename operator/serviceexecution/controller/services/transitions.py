"""Reports in log, metrics and Events what became of a build, after the status was written."""

import asyncio
from collections.abc import Callable
from typing import Final, Literal

import structlog

from serviceexecution.builds.reasons import BuildReason
from serviceexecution.controller.metrics import BUILD_SECONDS, BUILD_TRANSITIONS
from serviceexecution.kube.events import EventPoster, ObjectIdentity
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.definition_status import (
    Revision,
    RevisionPhase,
    ServiceDefinitionStatus,
)

logger = structlog.stdlib.get_logger()

_ORDINARY_REASONS: Final = frozenset({BuildReason.QUEUED, BuildReason.STARTING, BuildReason.BUILDING})
_ORDINARY_PHASES: Final = frozenset(
    {RevisionPhase.SUCCEEDED, RevisionPhase.CANCELLED, RevisionPhase.SUPERSEDED}
)


class BuildTransitionReporter:
    """``spawn`` keeps background tasks (posting Events) until they are done."""

    def __init__(self, events: EventPoster, spawn: Callable[[asyncio.Task[bool]], None]) -> None:
        self._events = events
        self._spawn = spawn

    def report(self, before: ServiceDefinition, status: ServiceDefinitionStatus) -> None:
        """Report how ``status``, which was written, differs from what the definition said before."""
        for revision in reversed(status.revisions):
            known = before.status.find(revision.name)
            if known is None or (known.phase, known.reason) != (revision.phase, revision.reason):
                self._transition(before, revision)
        if status.revision is not None and status.revision != before.status.revision:
            logger.info("revision serves", revision=status.revision, image=status.image)
            self._post(
                before, "Normal", "Serving", f"{status.revision}: Executions run {status.image} from now on."
            )

    def _transition(self, definition: ServiceDefinition, revision: Revision) -> None:
        reason, message = revision.reason or "", revision.message or ""
        logger.info(
            "build", revision=revision.name, phase=revision.phase.value, reason=reason, message=message
        )
        BUILD_TRANSITIONS.labels(revision.phase.value, reason).inc()
        if (
            revision.phase.terminal
            and revision.build_time is not None
            and revision.completion_time is not None
        ):
            seconds = (revision.completion_time - revision.build_time).total_seconds()
            BUILD_SECONDS.labels(revision.phase.value, revision.builder or "").observe(max(0.0, seconds))
        ordinary = revision.phase in _ORDINARY_PHASES or reason in _ORDINARY_REASONS
        self._post(definition, "Normal" if ordinary else "Warning", reason, f"{revision.name}: {message}")

    def _post(
        self, definition: ServiceDefinition, type_: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        metadata = definition.metadata
        about = ObjectIdentity(
            f"{API_GROUP}/{API_VERSION}", DEFINITION_KIND, metadata.namespace, metadata.name, metadata.uid
        )
        self._spawn(
            asyncio.create_task(
                self._events.post(about, type_=type_, reason=reason, message=message),
                name=f"event {metadata.namespace}/{metadata.name}",
            )
        )
