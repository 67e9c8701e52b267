"""A line of a log, as the gateway tells it."""

from collections.abc import Mapping
from typing import TypedDict


class LogEntry(TypedDict):
    """One line of a log."""

    message: str
    severity: str
    timestamp: str


def full_entry(entry: Mapping[str, object]) -> LogEntry:
    """Return an entry with all its members, empty where an answer lacks them."""
    found = {name: str(entry.get(name) or "") for name in ("message", "severity", "timestamp")}
    return LogEntry(message=found["message"], severity=found["severity"], timestamp=found["timestamp"])
