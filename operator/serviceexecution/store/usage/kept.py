"""What status says that a run has used, from its output's commit record. Pure."""

import math

from serviceexecution.resources.executions.execution_usage import MeasuredUsage
from serviceexecution.store.records import OutputManifest


def usage_of(manifest: OutputManifest | None) -> MeasuredUsage | None:
    """Return what a run has used, None when nobody has told it."""
    sums = None if manifest is None else manifest.usage
    if sums is None:
        return None
    return MeasuredUsage(
        cpu_seconds=sums.cpu_seconds,
        memory_peak_bytes=sums.memory_peak_bytes,
        read_bytes=sums.read_bytes,
        written_bytes=sums.written_bytes,
        complete=sums.complete,
        gaps=sums.gaps or None,
        gap_seconds=math.ceil(sums.gap_seconds) if sums.gaps else None,
    )
