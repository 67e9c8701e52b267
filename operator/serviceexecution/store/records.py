"""What the store says about one execution: the commit records of its output and of its log."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel


class Record(BaseModel):
    """Base of all records: frozen, camelCase on disk, unknown members of newer versions ignored."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")


class StoredFile(Record):
    """One output file: path relative to the output directory with "/" between parts, size in bytes."""

    path: str
    size: int
    sha256: str
    media_type: str


class SkippedFile(Record):
    """A file that was not collected, and why, in words for the user."""

    path: str
    reason: str


class RunUsage(Record):
    """What a run has used in all, as its pod has told it. What is not known is None."""

    cpu_seconds: float | None = None
    memory_peak_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    complete: bool = False
    """The kernel's sums for main's container, read at main's end; else a lower bound."""
    gaps: int = 0
    """How often there was no sample for some time."""
    gap_seconds: float = 0.0
    """How long these times were together."""


class UsagePoint(Record):
    """What had been used at one time."""

    time: int
    """Milliseconds since 1970, on the node's clock."""
    cpu_seconds: float
    """CPU time since the start."""
    memory_bytes: int
    """Most memory since the point before."""


class UsageSeries(Record):
    """What a run has used over time: at most 240 points, at distances that double as the run gets longer."""

    version: int = 1
    attempt: int = 1
    pod_uid: str
    started_at: int | None = None
    """When main started, milliseconds since 1970."""
    cpu_limit: float | None = None
    """Cores."""
    memory_limit: int | None = None
    """Bytes."""
    points: tuple[UsagePoint, ...] = ()


class UsageSum(Record):
    """What the executions of a service that ended in one month have used, as far as they are folded into it."""

    version: int = 1
    executions: int = 0
    failures: int = 0
    cancelled: int = 0
    cpu_milliseconds: int = 0
    mebibyte_seconds: int = 0
    folded: tuple[str, ...] = ()
    """Uids of the executions that were added last: what is left of them is not counted again."""


POOL_WRITTEN: Final = "Written"


class PoolWrite(Record):
    """What became of what a program has changed in a data pool."""

    property: str
    reason: str
    """Written, or why the data pool is not what the program has left."""
    message: str = ""
    """What is particular to this case, in sentences; empty when it is written."""
    index: str | None = None
    """SHA-256 of the index that lists the changed state; None when there is none."""


class OutputManifest(Record):
    """Commit record of an execution's output: it exists only when all listed files are in the store."""

    version: int = 1
    attempt: int = 1
    pod_uid: str
    files: tuple[StoredFile, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()
    total_bytes: int = 0
    limit_exceeded: bool = False
    """The output was larger than ``spec.output.limit``: what did not fit is in ``skipped``."""
    digest: str | None = None
    """SHA-256 of the list of files by name, as sha256sum prints it."""
    usage: RunUsage | None = None
    committed_at: datetime
    data_pools: tuple[PoolWrite, ...] = ()
    """The data pools in which the program has changed something."""


class StdoutResult(Record):
    """The main result that the program printed instead of writing ``output.json``."""

    size: int
    sha256: str


class LogGaps(Record):
    """Where lines of a log may be missing, which the node had rotated away before they were read."""

    count: int
    """At how many places; a line of the log says so at each."""
    seconds: float
    """How long these places last together."""
    first_after: datetime | None = None
    """Time of the last line before the first place."""
    first_before: datetime | None = None
    """Time of the first line after it."""


class LogRecord(Record):
    """Commit record of a log: it exists only when the log is complete, or is known to stay incomplete."""

    version: int = 1
    attempt: int = 1
    pod_uid: str
    bytes: int
    """Size of the log's text without the timestamps in front of each line."""
    lines: int
    truncated: bool = False
    """The log was larger than the limit; the rest was not kept."""
    complete: bool = True
    """False when the pod was gone before the end of its log had been read, and when it has gaps."""
    gaps: LogGaps | None = None
    stdout_result: StdoutResult | None = None
    stdout_problem: str | None = None
    """Why there is no printed result although the program tried to print one; a sentence for the user."""
    committed_at: datetime


class BuildSeconds(Record):
    """How long the steps of a build took, in seconds."""

    source: float | None = None
    build: float | None = None
    push: float | None = None


class BuildReport(Record):
    """What the pod of a build says about its end."""

    version: int = 1
    job_uid: str = ""
    """Uid of the Job whose pod reported. The gateway knows it from the pod's token, and writes it in."""
    succeeded: bool
    reason: str
    """One word from the closed list of reasons of builds."""
    message: str = ""
    """Why, in a sentence."""
    step: str | None = None
    """The instruction that failed."""
    image_digest: str | None = None
    image_bytes: int | None = None
    """Size of the image's layers as they are stored."""
    source_digest: str | None = None
    commit: str | None = None
    """The Git commit that was built, 40 hexadecimal digits."""
    input_schema: dict[str, JsonValue] | None = None
    output_schema: dict[str, JsonValue] | None = None
    seconds: BuildSeconds | None = None


class Tombstone(Record):
    """Says that an execution in the store is gone from the cluster; what is stored of it goes days later."""

    version: int = 1
    marked_at: datetime


class Expiry(Record):
    """Says until when an execution's log and output are kept, whether or not the execution itself is."""

    version: int = 1
    expires_at: datetime
