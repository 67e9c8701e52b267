"""``ServiceExecution.status``: what is true of an execution."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from serviceexecution.resources.executions.execution_usage import MeasuredUsage, Times, Usage
from serviceexecution.resources.executions.status_values import LargeInteger, Timestamp
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.resources.model import OpaqueObject, ResourceModel


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
    """Why a program was stopped: by the operator, or by its queue."""

    CANCELLED = "Cancelled"
    TIMEOUT = "Timeout"
    PREEMPTED = "Preempted"


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
    digest: str | None = None
    """SHA-256 of the list of all files as sha256sum prints it: a line for each, by name."""


class TakenService(ResourceModel):
    """What an execution took from its service when it started. Later changes of the service do not count."""

    name: str
    """Name of the ServiceDefinition."""
    uid: str
    """Uid of the ServiceDefinition."""
    generation: LargeInteger
    """Generation of the ServiceDefinition's spec that was taken from."""
    revision: str | None = None
    """The revision that was built from the service's source."""
    source_digest: str | None = None
    """SHA-256 of the source that the revision was built from."""
    commit: str | None = None
    """The Git commit that the revision was built from."""
    image_digest: str | None = None
    """Digest of the image that was built."""
    fields: Annotated[
        OpaqueObject,
        Field(json_schema_extra={"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
    ]
    """The fields of the ServiceDefinition that the execution runs with, as they were."""
    output_schema: Annotated[
        OpaqueObject | None,
        Field(json_schema_extra={"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
    ] = None
    """The JSON Schema that the main result must fit. One longer than 8 KiB is kept until the execution ends."""
    output_schema_digest: str | None = None
    """After the end, in place of a longer outputSchema: SHA-256 of its JSON text with sorted keys and no spaces."""


class CallbackState(StrEnum):
    """How far the delivery of the callback has come."""

    PENDING = "Pending"
    DELIVERED = "Delivered"
    FAILED = "Failed"


class CallbackStatus(ResourceModel):
    """The callback about the execution's end."""

    state: CallbackState
    """Pending: it is tried again. Delivered: the receiver has accepted it. Failed: given up."""
    attempts: int = 0
    """How often it was sent."""
    last_attempt_time: Timestamp | None = None
    """When it was sent last."""
    next_attempt_time: Timestamp | None = None
    """When it is sent again."""
    message: str | None = None
    """What went wrong last."""


class Log(ResourceModel):
    """The kept log."""

    bytes: LargeInteger = 0
    """Size of the text."""
    lines: LargeInteger = 0
    """Number of lines."""
    truncated: bool = False
    """Whether the log was larger than the operator's limit, so that its end was not kept."""
    gaps: LargeInteger | None = None
    """At how many places lines may be missing, since the node rotated the log's file away before it was read. A line of
    the log says so at each."""
    gap_seconds: LargeInteger | None = None
    """How long these places last together, in seconds: what was printed then is missing."""


class EarlierAttempt(ResourceModel):
    """An attempt that has ended, after which another one is made."""

    attempt: int
    """Which one, counted from 1."""
    reason: str
    """Why it ended, one word from the closed list."""
    message: Annotated[str, Field(max_length=1024)]
    """The same in one sentence."""
    counts: bool = True
    """Whether it counts for retry.maxAttempts: not if it is certain that its program did not start."""
    job: JobReference
    """Its Job."""
    pod: PodReference | None = None
    """Its pod, once that was known to run."""
    start_time: Timestamp | None = None
    """When its program started."""
    end_time: Timestamp
    """When it had ended, and its log was kept."""
    exit_code: int | None = None
    """Exit code of its program."""
    memory_limit: str | None = None
    """Memory limit of its program, such as 512Mi."""
    log: Log | None = None
    """Its kept log."""
    usage: MeasuredUsage | None = None
    """What its program has used."""


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
    since: Timestamp | None = None
    """When this reason was first said; limits of causes count from then."""
    start_time: Timestamp | None = None
    """When the program started."""
    completion_time: Timestamp | None = None
    """When the execution reached its final phase."""
    duration: str | None = None
    """How long the program ran."""
    attempts: int | None = None
    """How many attempts were made. All members that tell of an attempt tell of the last one."""
    earlier_attempts: Annotated[tuple[EarlierAttempt, ...], Field(max_length=32)] | None = None
    """The attempts before the last one, or all of them while the next one is waited for."""
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
    service: TakenService | None = None
    """The service that this is a run of, and what was taken from it."""
    data_pools: Annotated[tuple[UsedPool, ...], Field(max_length=128)] | None = None
    """The data pools of the results store, as they were when the execution started."""
    callback: CallbackStatus | None = None
    """The callback about the execution's end."""
    input_digest: str | None = None
    """SHA-256 of the input's JSON text: its members by name, each as it was given, without spaces between them."""
    image: Annotated[str, Field(max_length=1024)] | None = None
    """The image that ran, with its digest, as the node says."""
    times: Times | None = None
    """When each step of the last attempt was over."""
    usage: Usage | None = None
    """Where the time went, and what the program has used."""
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = ()
    """Complete, Failed, Cancelled, Collecting, Reconciling and Stalled."""
