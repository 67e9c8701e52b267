"""``ServiceExecution.status``: what is true of an execution."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer

from serviceexecution.resources.model import ResourceModel


def _rfc3339_seconds(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Timestamp = Annotated[datetime, PlainSerializer(_rfc3339_seconds, return_type=str, when_used="json")]
"""A point in time, UTC, whole seconds, as metav1.Time."""

LargeInteger = Annotated[int, Field(json_schema_extra={"format": "int64"})]


class Phase(StrEnum):
    """The one-word summary of an execution's state."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def terminal(self) -> bool:
        """Tell whether the execution has ended for good."""
        return self in {Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED}


class Condition(ResourceModel):
    """One aspect of the state, as in metav1.Condition (KEP-1623)."""

    type: Annotated[str, Field(max_length=316)]
    """Which aspect."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, Field(max_length=1024)]
    """Why, in one word."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """Why, in a sentence."""
    last_transition_time: Timestamp
    """When status last changed."""
    observed_generation: LargeInteger | None = None
    """Generation of the spec that this was decided from."""


class JobReference(ResourceModel):
    """The Job of the current attempt."""

    name: str
    """Name of the Job."""
    uid: str
    """Uid of the Job."""


class PodReference(ResourceModel):
    """The pod of the current attempt."""

    name: str
    """Name of the pod."""
    uid: str
    """Uid of the pod."""
    node: str | None = None
    """Node that it runs on."""


class StopReason(StrEnum):
    """Why the operator stopped a program."""

    CANCELLED = "Cancelled"
    TIMEOUT = "Timeout"


class StopRequest(ResourceModel):
    """Recorded before the program is stopped, so that its end is judged by this and not by its exit code."""

    reason: StopReason
    """Why the program is stopped."""
    time: Timestamp
    """When it was decided."""


class ResultFile(ResourceModel):
    """One output file."""

    name: str
    """Path below the output directory."""
    size: LargeInteger
    """Bytes."""
    sha256: str
    """SHA-256 of the content, in hexadecimal digits."""
    media_type: str
    """Media type by the name's extension."""


class Result(ResourceModel):
    """What the program produced."""

    output: str | None = None
    """The main result as JSON text, when it is at most 8 KiB long."""
    source: Literal["File", "Log"] | None = None
    """Where the main result came from: the file output.json, or lines in the log."""
    files: Annotated[tuple[ResultFile, ...], Field(max_length=50)] = ()
    """The first 50 output files by name."""
    file_count: int = 0
    """Number of output files."""
    total_bytes: LargeInteger = 0
    """Size of all output files."""
    skipped_count: int = 0
    """Number of files that could not be collected."""
    message: str | None = None
    """What could not be collected, and why."""


class Log(ResourceModel):
    """The kept log."""

    bytes: LargeInteger = 0
    """Size of the text."""
    lines: LargeInteger = 0
    """Number of lines."""
    truncated: bool = False
    """Whether the log was larger than the operator's limit, so that its end was not kept."""


class Usage(ResourceModel):
    """Where the time went, in seconds."""

    wait_seconds: LargeInteger | None = None
    """From creation to the program's start."""
    run_seconds: LargeInteger | None = None
    """From the program's start to its end."""
    collect_seconds: LargeInteger | None = None
    """From the program's end to the kept result."""


class ExecutionStatus(ResourceModel):
    """What the operator knows of the execution. Written by the operator only."""

    observed_generation: LargeInteger | None = None
    """Generation of the spec that this status was decided from."""
    phase: Phase | None = None
    """Summary: Pending, Running, Succeeded, Failed or Cancelled."""
    reason: str | None = None
    """Why the execution is in this phase, one word from a closed list."""
    message: str | None = None
    """The same in one sentence."""
    start_time: Timestamp | None = None
    """When the program started."""
    completion_time: Timestamp | None = None
    """When the execution reached its final phase."""
    duration: str | None = None
    """How long the program ran."""
    attempts: int | None = None
    """How many Jobs were created."""
    job: JobReference | None = None
    """The Job of the current attempt."""
    pod: PodReference | None = None
    """The pod of the current attempt."""
    exit_code: int | None = None
    """Exit code of the program."""
    stop_requested: StopRequest | None = None
    """That and why the operator stopped the program."""
    result: Result | None = None
    """What the program produced."""
    log: Log | None = None
    """The kept log."""
    usage: Usage | None = None
    """Where the time went."""
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = ()
    """Complete, Failed, Cancelled, Collecting, Reconciling and Stalled."""
