"""``ServiceDefinition.status``: what the operator says of a service and of its builds."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from serviceexecution.resources.executions.execution_status import Condition, JobReference, Log
from serviceexecution.resources.executions.status_values import LargeInteger, Timestamp
from serviceexecution.resources.model import OpaqueObject, ResourceModel

SCHEMA_FIELD: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
KEPT_REVISIONS: Final = 10
"""How many revisions the status lists; the one that serves is kept beyond that."""


class RevisionPhase(StrEnum):
    """How far the build of a revision has come."""

    PENDING = "Pending"
    BUILDING = "Building"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    SUPERSEDED = "Superseded"

    @property
    def terminal(self) -> bool:
        """Tell whether nothing more happens to the revision."""
        return self not in {RevisionPhase.PENDING, RevisionPhase.BUILDING}


class Revision(ResourceModel):
    """One build of the service's source."""

    name: str
    """Name by which spec.revision and people call it: r1, r2 and so on."""
    key: str
    """SHA-256 of all that the build depends on; what was built is not built again."""
    attempt_key: str | None = None
    """SHA-256 of what a build may fail by beside that, such as its resources: a failed one is tried again when
    it changes.
    """
    phase: RevisionPhase
    """Pending, Building, Succeeded, Failed, Cancelled or Superseded."""
    reason: str | None = None
    """Why, one word from a closed list."""
    message: str | None = None
    """Why, in a sentence."""
    since: Timestamp | None = None
    """Since when the reason is said; limits count from then."""
    step: str | None = None
    """The instruction that failed."""
    source_digest: str | None = None
    """SHA-256 of the source that was built."""
    commit: str | None = None
    """The Git commit that was built."""
    image: str | None = None
    """The image by digest, as nodes pull it."""
    image_digest: str | None = None
    """Digest of the image."""
    image_bytes: LargeInteger | None = None
    """Size of the image's layers as they are stored."""
    builder: str | None = None
    """What builds it: buildkit or buildah."""
    start_time: Timestamp | None = None
    """When the build was first asked for."""
    build_time: Timestamp | None = None
    """When its program started."""
    stop_time: Timestamp | None = None
    """When the build was told to end, by cancel or for its timeout."""
    program_end_time: Timestamp | None = None
    """When its program was seen to have ended; the end of its log is waited for from then."""
    completion_time: Timestamp | None = None
    """When the build ended."""
    attempts: int = 0
    """How many Jobs were created: faults of the platform are tried again."""
    attempt_time: Timestamp | None = None
    """When the current attempt began."""
    next_attempt_time: Timestamp | None = None
    """When it is tried again."""
    job: JobReference | None = None
    """The Job of the current attempt."""
    log: Log | None = None
    """The kept log of the build."""
    input_schema: Annotated[OpaqueObject | None, Field(json_schema_extra=SCHEMA_FIELD)] = None
    """JSON Schema of the input, from the signature of run()."""
    output_schema: Annotated[OpaqueObject | None, Field(json_schema_extra=SCHEMA_FIELD)] = None
    """JSON Schema of the main result, from the signature of run(). It describes: results need not fit."""


class ServicePhase(StrEnum):
    """The one-word summary of a service's state."""

    READY = "Ready"
    BUILDING = "Building"
    FAILED = "Failed"


class ServiceDefinitionStatus(ResourceModel):
    """What the operator says of the definition. Written by the operator only."""

    observed_generation: LargeInteger | None = None
    """Generation of the spec that this was decided from."""
    phase: ServicePhase | None = None
    """Ready: executions can start. Building: the first image is being built. Failed: executions cannot start."""
    revision: str | None = None
    """The revision that executions run."""
    image: str | None = None
    """The image that executions run, by digest where it was built here."""
    last_revision: int = 0
    """Number of the newest revision; numbers are never given twice."""
    revisions: Annotated[
        tuple[Revision, ...],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()
    """What was built, newest first."""
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=8,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = ()
    """Ready: executions of this service can start. Built: the newest source is built; for services that are."""

    def find(self, name: str | None) -> Revision | None:
        """Return the revision of that name."""
        return next((one for one in self.revisions if one.name == name), None)

    @property
    def serving(self) -> Revision | None:
        """Return the revision that executions run; None where nothing was built."""
        return self.find(self.revision)
