"""A line of a log, as the gateway tells it."""

from typing import TypedDict


class LogEntry(TypedDict):
    """One line of a log."""

    message: str
    severity: str
    timestamp: str
