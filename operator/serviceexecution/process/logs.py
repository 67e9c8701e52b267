"""Logs: one JSON object or one readable line per event on standard output, those of libraries too.

Callers choose paths, and programs and tenants choose sentences that are logged. None of it begins a line or steers a
terminal: JSON escapes control characters by itself, and readable lines show them by their escapes.
"""

import logging
import re
import sys
import traceback
from typing import Final, Literal, TextIO

import structlog

_SHARED: Final[list[structlog.typing.Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]

_STEERING: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters but the tab, and those that show another text than there is."""


def configure_logging(level: str, log_format: Literal["json", "plain"]) -> None:
    """Set up logging for the whole process; raises ValueError for an unknown level."""
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [
            _in_one_line,
            structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=_write_traceback),
        ]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("kopf").setLevel(
        max(logging.WARNING, root.level)
    )  # at INFO it tells of every object it sees
    for name in ("uvicorn", "uvicorn.error", "asyncio"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _in_one_line(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Return the event with its texts as they can be shown in a line."""
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _write_traceback(stream: TextIO, error: structlog.typing.ExcInfo) -> None:
    """Write a traceback, indented: an error's message may hold what a tenant has sent, in several lines."""
    stream.writelines(
        f"\n    {_escaped(line)}"
        for line in "".join(traceback.format_exception(*error)).rstrip("\n").split("\n")
    )


def _escaped(text: str) -> str:
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
