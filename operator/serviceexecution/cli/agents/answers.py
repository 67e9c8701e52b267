"""What agents get to read, in a bounded number of bytes. Pure.

Programs write logs and results, and tenants write messages. All of it stands inside of JSON, so that none of it can
pass for what sx says.
"""

import contextlib
import json
from collections import deque
from collections.abc import Iterable
from typing import Final

from serviceexecution.cli.listing.shown import document
from serviceexecution.cli.summaries import ExecutionSummary
from serviceexecution.cli.terminal import plain
from serviceexecution.contract.json_text import skim
from serviceexecution.contract.json_types import JsonObject, JsonValue

LARGEST_RESULT: Final = 64 * 1024
"""Bytes of a main result that is shown."""
LARGEST_LOG: Final = 32 * 1024
"""Characters of a log that are shown: its last ones."""
LONGEST_LINE: Final = 2000
LONGEST_MESSAGE: Final = 1000
MOST_FILES: Final = 200
"""Output files that are named."""
MOST_EXECUTIONS: Final = 100
_ABOUT: Final = (
    "id",
    "service",
    "revision",
    "phase",
    "reason",
    "message",
    "createdAt",
    "startTime",
    "completionTime",
)


def cut(text: str, length: int) -> str:
    """Return the beginning of a text, with a mark where it goes on."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def answer_text(value: JsonValue) -> str:
    """Return an answer as JSON text without hidden characters."""
    return plain(json.dumps(value, ensure_ascii=False))


def execution_document(view: ExecutionSummary) -> JsonObject:
    """Return how an execution stands."""
    found = document(view)
    about: JsonObject = {name: found[name] for name in _ABOUT if found.get(name) is not None}
    if view.message:
        about["message"] = cut(plain(view.message), LONGEST_MESSAGE)
    return about


def log_document(lines: Iterable[str], *, most: int, contains: str = "") -> JsonObject:
    """Return the last lines of a log, of those with a text in them."""
    kept: deque[str] = deque()
    size = total = 0
    for line in lines:
        if contains and contains not in line:
            continue
        total += 1
        shown = cut(plain(line[: 4 * LONGEST_LINE]), LONGEST_LINE)
        kept.append(shown)
        size += len(shown)
        while len(kept) > most or (size > LARGEST_LOG and len(kept) > 1):
            size -= len(kept.popleft())
    found: JsonObject = {"log": [*kept]}
    if total > len(kept):
        found["earlierLines"] = total - len(kept)
    return found


def result_value(content: bytes, *, whole: bool) -> JsonValue:
    """Return a main result for an answer: its value where it is JSON, else its text."""
    text = content.decode(errors="replace")
    if whole:
        with contextlib.suppress(ValueError):
            skim(text)  # Strict, and no deeper than can be written again
            value: JsonValue = json.loads(text)
            return value
    return plain(text)
