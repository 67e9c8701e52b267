"""A line of a log as the Service API gives it: message, severity, timestamp.

Severities are those of the platform's interface. They are recognised from how common loggers begin a line; a word
such as "error" inside a sentence says nothing.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal

from serviceexecution.contract.json_types import JsonValue

Severity = Literal["DEBUG", "NOTICE", "INFO", "WARNING", "ERROR"]

_SEVERITIES: Final[dict[str, Severity]] = {
    "trace": "DEBUG",
    "debug": "DEBUG",
    "verbose": "DEBUG",
    "info": "INFO",
    "information": "INFO",
    "success": "INFO",
    "notice": "NOTICE",
    "warn": "WARNING",
    "warning": "WARNING",
    "error": "ERROR",
    "err": "ERROR",
    "severe": "ERROR",
    "critical": "ERROR",
    "crit": "ERROR",
    "fatal": "ERROR",
    "panic": "ERROR",
    "alert": "ERROR",
    "emergency": "ERROR",
}
_WORDS: Final = "|".join(sorted(_SEVERITIES, key=len, reverse=True))
_CAPITALS: Final = _WORDS.upper()
_KLOG: Final = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d\.\d{1,9}\s")
_KLOG_SEVERITIES: Final[dict[str, Severity]] = {"I": "INFO", "W": "WARNING", "E": "ERROR", "F": "ERROR"}
_DATE: Final = r"\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d[.,\d]{0,12}(?:Z|[+-]\d\d:?\d\d)?"
_BARRED: Final = re.compile(rf"{_DATE} \| (?:({_CAPITALS})|Level (\d+))\s{{0,10}}\| ")
"""loguru: ``2026-11-23 14:18:55.645 | WARNING  | module:function:1 - text``."""
_LEADING: Final = re.compile(rf"(?:{_DATE}[ ,]\s?)?[\[(]?({_CAPITALS})[\])]?(?=[:\s|-]|$)")
"""``WARNING:root:text``, ``ERROR text``, ``[INFO] text``, ``2026-… WARNING text``."""
_NAMED: Final = re.compile(rf"{_DATE}[ ,]?-? ?\[?[\w.\-/<>]{{1,80}}\]?(?: -)? \[?({_CAPITALS})\]?(?=[:\s|-])")
"""``2026-11-23 14:18:55,645 - name - ERROR - text``."""
_LOGFMT: Final = re.compile(rf'(?:^|\s)(?:level|lvl|severity)="?({_WORDS})"?(?=\s|$)', re.IGNORECASE)
_CONTROLS: Final = re.compile(r"\x1b(?:\[[0-9;:?]{0,32}[@-~]|\][^\x07\x1b]{0,256}(?:\x07|\x1b\\))")
"""Colours, movements of the cursor, and titles of a terminal's window."""
_NO_TEXT: Final = " \t\0\ufeff"
"""Before a line's first word: blanks, zeros of a file that was cut, a byte order mark."""
_ZONED: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?([+-]\d\d:\d\d)", re.ASCII)
_JSON_KEYS: Final = ("severity", "level", "levelname", "log.level", "lvl", "loglevel")
_LONG: Final = 16 * 1024
"""Characters of a line that are looked at: loggers say the severity early, and a line may have four megabytes."""
_JSON_LEVEL: Final = re.compile(
    r'"(?:severity|level|levelname|log\.level|lvl|loglevel)"\s{0,4}:\s{0,4}(?:"(\w{1,16})"|(\d{1,4}))'
)
"""In the beginning of a line that is too long to be parsed, wherever the member stands."""
_LOGFMT_REACH: Final = 300
"""Characters at a line's start in which ``level=`` is looked for."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line. ``timestamp`` is RFC 3339 in UTC with nine digits of a second; ``message`` the whole line."""

    message: str
    severity: Severity
    timestamp: str


def log_entry(stored: str) -> LogEntry:
    """Return the entry of a stored line ``<RFC 3339 time> text``, without its line end."""
    stamp, _, text = stored.partition(" ")
    return LogEntry(text, severity_of(text), nanoseconds(stamp))


def nanoseconds(stamp: str) -> str:
    """Return a time of the container runtime in UTC with all nine digits.

    The runtime drops trailing zeros, and writes the time in the zone of its node. What is no time stays as it is.
    """
    seconds, _, fraction = stamp.removesuffix("Z").partition(".")
    if not stamp.endswith("Z"):
        found = _ZONED.fullmatch(stamp)
        if found is None:
            return stamp
        seconds, fraction = _in_utc(found[1], found[3]), found[2] or ""
    return f"{seconds}.{fraction[:9].ljust(9, '0')}Z"


@lru_cache(maxsize=64)
def _in_utc(seconds: str, zone: str) -> str:
    """Return a second in UTC; as it is when there is no such time."""
    try:
        return datetime.fromisoformat(seconds + zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError):
        return seconds


def severity_of(text: str) -> Severity:
    """Return the severity that the line's logger gave it, INFO when it is not one that is known."""
    if is_long := len(text) > _LONG:
        text = text.rstrip().rpartition("\r")[2].lstrip()[:_LONG]
    if "\x1b" in text:
        text = _CONTROLS.sub("", text)
    line = text.rstrip().rpartition("\r")[2].lstrip()  # Of a line that was written over, what was left to see
    line = line.lstrip(_NO_TEXT)
    if not line:
        return "INFO"
    if line[0] == "{":
        return _severity_in_beginning(line) if is_long else _json_severity(line)
    if (klog := _KLOG.match(line)) is not None:
        return _KLOG_SEVERITIES[klog[1]]
    if (barred := _BARRED.match(line)) is not None:
        return _SEVERITIES[barred[1].lower()] if barred[1] else _numeric(int(barred[2][:4]))
    found = _LEADING.match(line) or _NAMED.match(line)
    if found is None and "=" in line:
        found = _LOGFMT.search(line[:_LOGFMT_REACH])
    return _SEVERITIES[found[1].lower()] if found is not None else "INFO"


def _json_severity(line: str) -> Severity:
    try:
        value: JsonValue = json.loads(line)
    except (ValueError, RecursionError):
        return "INFO"
    if not isinstance(value, dict):
        return "INFO"
    for key in _JSON_KEYS:
        level = value.get(key)
        if isinstance(level, str):
            return _SEVERITIES.get(level.lower(), "INFO")
        if isinstance(level, int) and not isinstance(level, bool):
            return _numeric(level - 10)  # Pino and bunyan: 30 is info
    return "INFO"


def _severity_in_beginning(line: str) -> Severity:
    found = _JSON_LEVEL.search(line)
    if found is None:
        return "INFO"
    return _SEVERITIES.get(found[1].lower(), "INFO") if found[1] else _numeric(int(found[2]) - 10)


def _numeric(level: int) -> Severity:
    """Return the severity of one of Python's level numbers."""
    if level >= 40:
        return "ERROR"
    if level >= 30:
        return "WARNING"
    return "INFO" if level >= 20 else "DEBUG"
