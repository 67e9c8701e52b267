"""The header ``traceparent`` of W3C Trace Context: to which trace of the caller's a request belongs. Pure."""

import re
from dataclasses import dataclass
from typing import Final, Self

VARIABLE: Final = "TRACEPARENT"
"""The environment variable in which programs find it: libraries of OpenTelemetry and others know it by this name."""

_FORM: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_LONGEST: Final = 64
"""Characters: 55, and some spaces around."""


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where in which trace something belongs."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits: the span that the next ones are below."""
    flags: str = "01"
    """Two hexadecimal digits, as the caller gave them."""

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Return what a traceparent of version 00 says, which has 55 characters; None for anything else.

        Tracing is beside what a caller wants: a header that is none is not worth a refusal, and W3C wants it ignored.
        """
        if text is None or len(text) > _LONGEST:
            return None
        found = _FORM.fullmatch(text.strip())
        return None if found is None else cls(*found.groups())

    @property
    def sampled(self) -> bool:
        """Whether the caller records this trace; of one that nobody records no spans are kept."""
        return int(self.flags, 16) & 1 == 1

    @property
    def text(self) -> str:
        """The header."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"
