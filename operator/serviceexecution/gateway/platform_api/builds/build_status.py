"""How the newest build of a service goes, as the platform's API shows it. Pure."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.service_api.documents.execution_document import timestamp
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.resources.services.definition_status import Revision, RevisionPhase
from serviceexecution.resources.services.source import NO_ARCHIVE

_BUILT: Final = "Built"
_WORKING: Final = {RevisionPhase.PENDING: "INIT", RevisionPhase.BUILDING: "BUILD_IMAGE"}


def newest_revision(known: KnownDefinition) -> Revision | None:
    """Return the newest revision, None when nothing was built."""
    return next(iter(known.status.revisions), None)


def build_status(known: KnownDefinition, newest: Revision | None) -> JsonObject | None:
    """Return the document, None for a service that was never built and is not about to be."""
    if not known.is_built or (newest is not None and newest.source_digest == NO_ARCHIVE):
        return None
    if newest is None or known.status.observed_generation != known.metadata.generation:
        return {"status": "WORKING", "step": "INIT"}
    times = {"createdAt": newest.start_time, "finishedAt": newest.completion_time}
    document: JsonObject = {name: timestamp(time) for name, time in times.items() if time is not None}
    if newest.phase in _WORKING:
        return {"status": "WORKING", "step": _WORKING[newest.phase], **document}
    good = newest.phase is RevisionPhase.SUCCEEDED
    return {
        "status": "SUCCESS" if good else "FAILURE",
        "step": "PUSH_IMAGE" if good else "BUILD_IMAGE",
        **document,
        "validationResult": _validation(known, newest, good=good),
    }


def never_built(known: KnownDefinition) -> str:
    """Return in a sentence why there is no build."""
    if known.is_built:
        return "Nothing was built yet: upload the source."
    return "The service runs an image that was not built here."


def _validation(known: KnownDefinition, newest: Revision, *, good: bool) -> JsonObject:
    if good:
        return {"state": "SUCCESS", "summary": f"Revision {newest.name} was built.", "messages": []}
    built = next((one for one in known.status.conditions if one.type == _BUILT), None)
    message = None if built is None else built.message
    summary = f"Revision {newest.name}: {newest.reason or newest.phase.value}"
    return {"state": "ERROR", "summary": summary, "messages": [message] if message else []}
