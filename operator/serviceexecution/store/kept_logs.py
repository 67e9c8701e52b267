"""What status says of a log, from its commit record. Pure."""

import math

from serviceexecution.resources.executions.execution_status import Log
from serviceexecution.store.records import LogRecord


def log_of(record: LogRecord | None) -> Log | None:
    """Return what status says of a log, None while it is not committed."""
    if record is None:
        return None
    gaps = record.gaps
    return Log(
        bytes=record.bytes,
        lines=record.lines,
        truncated=record.truncated or not record.complete,
        gaps=None if gaps is None else gaps.count,
        gap_seconds=None if gaps is None else math.ceil(gaps.seconds),
    )


def lost_part(record: LogRecord | None) -> str:
    """Say which part of a log is not there."""
    if record is None or record.gaps is None:
        return "Its end could not be read."
    gaps = record.gaps
    after = "" if gaps.first_after is None else f" after {gaps.first_after:%Y-%m-%dT%H:%M:%SZ}"
    places = f"at one place{after}" if gaps.count == 1 else f"at {gaps.count} places, the first{after}"
    lasting = f", which last {math.ceil(gaps.seconds)} s in all" if gaps.count > 1 else ""
    if gaps.count == 1 and gaps.first_after and gaps.first_before:
        lasting = f", for {math.ceil(gaps.seconds)} s"
    return (
        f"Lines may be missing {places}{lasting}: the node rotated the log's file away, or set its clock back, before "
        "it was read. The log says so for each place."
    )
