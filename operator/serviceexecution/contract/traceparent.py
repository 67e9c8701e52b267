"""The header ``traceparent`` of W3C Trace Context: to which trace of the caller's a request belongs. Pure."""

import re
from collections.abc import Mapping
from typing import Final

VARIABLE: Final = "TRACEPARENT"
"""The environment variable in which programs find it: libraries of OpenTelemetry and others know it by this name."""

_FORM: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent_of(headers: Mapping[str, str]) -> str | None:
    """Return the trace that a request's headers name, None when they name none."""
    return parse_traceparent(headers.get("traceparent"))


def parse_traceparent(text: str | None) -> str | None:
    """Return the text when it is a traceparent of version 00, which has 55 characters; None for anything else.

    Tracing is beside what a caller wants: a header that is none is not worth a refusal, and W3C wants it ignored.
    """
    if text is None or len(text) > 64:
        return None
    found = _FORM.fullmatch(text.strip())
    return None if found is None else found[0]
