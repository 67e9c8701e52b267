"""``ServiceExecution.status.usage`` and ``times``: what a run has used, and how long its steps took."""

from serviceexecution.resources.executions.status_values import LargeInteger, Timestamp
from serviceexecution.resources.model import ResourceModel


class MeasuredUsage(ResourceModel):
    """What a program has used, as its pod has told it."""

    cpu_seconds: float | None = None
    """CPU time of its container, in seconds."""
    memory_peak_bytes: LargeInteger | None = None
    """Most memory of its container at one time, with the page cache that the kernel counts for it."""
    read_bytes: LargeInteger | None = None
    """Bytes that its container has read from block devices."""
    written_bytes: LargeInteger | None = None
    """Bytes that its container has written to block devices."""
    complete: bool | None = None
    """True: these are the kernel's sums for the container, read at the program's end. False: lower bounds, since the
    container's control group could not be read until then."""
    gaps: LargeInteger | None = None
    """How often no sample was taken for some time. Sums that are complete have no gaps, only their course."""
    gap_seconds: LargeInteger | None = None
    """How long these times were together, in seconds."""


class Usage(MeasuredUsage):
    """Where the time went, in seconds, and what the last attempt has used."""

    wait_seconds: LargeInteger | None = None
    """From creation to the program's start."""
    run_seconds: LargeInteger | None = None
    """From the program's start to its end."""
    collect_seconds: LargeInteger | None = None
    """From the program's end to the kept result."""


class Times(ResourceModel):
    """When the steps before and after the program of the last attempt were over, as its Job and pod said."""

    admitted: Timestamp | None = None
    """When its Job was allowed to run: at once, or when its queue admitted it."""
    scheduled: Timestamp | None = None
    """When its pod had a node."""
    prepared: Timestamp | None = None
    """When the pod had its volumes and its network; images are pulled after that, and main starts."""
    started: Timestamp | None = None
    """When main started, on the node's clock."""
    ended: Timestamp | None = None
    """When main ended, on the node's clock."""
