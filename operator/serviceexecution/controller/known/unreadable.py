"""Objects that the API server took and our models do not: what is read of them all the same, and what is wrong."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject, metadata_of, object_at, objects_of
from serviceexecution.resources.names import CONDITION_READY
from serviceexecution.resources.services.definition_status import ServicePhase

FAULTS_SAID: Final = 5
_LONGEST_PART: Final = 80
"""Characters of one part of a field's path in a message: names of inputs and secrets are as long as users like."""
_MOST_PARTS: Final = 12
"""Parts of a path in a message: our own fields have at most seven."""
_OUR_WORDS: Final = "Value error, "
"""What pydantic puts before a sentence of ours."""


@dataclass(frozen=True, slots=True)
class BriefMetadata:
    """What is read of an object's metadata without the models."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int


@dataclass(frozen=True, slots=True)
class UnreadableDefinition:
    """A ServiceDefinition whose spec or status does not fit the models."""

    metadata: BriefMetadata
    problem: str
    said: bool
    """Its status says so already."""


def brief_metadata(body: JsonObject) -> BriefMetadata:
    """Return what can be read of the metadata."""
    metadata = metadata_of(body)
    generation = metadata.get("generation")
    return BriefMetadata(
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or ""),
        uid=str(metadata.get("uid") or ""),
        resource_version=str(metadata.get("resourceVersion") or ""),
        generation=generation if isinstance(generation, int) else 0,
    )


def faults_of(error: ValidationError) -> str:
    """Return the first faults in one line, each with its field's path."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{_place(fault['loc'])}: {fault['msg'].removeprefix(_OUR_WORDS)}" for fault in faults[:FAULTS_SAID]
    )


def _place(parts: tuple[int | str, ...]) -> str:
    """Return the field's path; of one that leads down hundreds of levels its beginning."""
    more = ["…"] if len(parts) > _MOST_PARTS else []
    return ".".join([*map(_short, parts[:_MOST_PARTS]), *more])


def _short(part: int | str) -> str:
    text = str(part)
    return text if len(text) <= _LONGEST_PART else text[:_LONGEST_PART] + "…"


def unreadable_definition(body: JsonObject, error: ValidationError | str) -> UnreadableDefinition:
    """Return what is known of a ServiceDefinition that cannot be read, for that reason."""
    metadata = brief_metadata(body)
    problem = error if isinstance(error, str) else faults_of(error)
    said = any(
        (one.get("type"), one.get("status"), one.get("message")) == (CONDITION_READY, "False", problem)
        and one.get("observedGeneration") == metadata.generation
        for one in objects_of(object_at(body, "status").get("conditions"))
    )
    return UnreadableDefinition(metadata, problem, said)


def status_of_unreadable(definition: UnreadableDefinition, now: datetime) -> JsonObject:
    """Return the patch of the status that says what is wrong; what was built stays as it is recorded."""
    generation = definition.metadata.generation
    ready: JsonObject = {
        "type": CONDITION_READY,
        "status": "False",
        "reason": "Invalid",
        "message": definition.problem,
        "lastTransitionTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "observedGeneration": generation,
    }
    return {
        "status": {
            "observedGeneration": generation,
            "phase": ServicePhase.FAILED.value,
            "conditions": [ready],
        }
    }
