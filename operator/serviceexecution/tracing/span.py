"""A span, and its JSON as the OpenTelemetry protocol (OTLP) has it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue

LONGEST_TEXT: Final = 1024
"""Characters of a text in a span: what tenants name or print must not fill the collector's memory."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS_ERROR: Final = 2


class SpanKind(IntEnum):
    """What a span is to the one above it, in OTLP's numbers."""

    INTERNAL = 1
    SERVER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that took time, as a part of a trace."""

    trace_id: str
    span_id: str
    parent_id: str | None
    """The span above; None: there is none."""
    name: str
    start: datetime
    end: datetime
    kind: SpanKind = SpanKind.INTERNAL
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    problem: str | None = None
    """What went wrong; None: nothing."""

    def as_otlp(self) -> JsonObject:
        """Return the span in OTLP's JSON: numbers of 64 bits are texts there."""
        document: JsonObject = {
            "traceId": self.trace_id,
            "spanId": self.span_id,
            "name": self.name,
            "kind": self.kind.value,
            "startTimeUnixNano": _nanoseconds(self.start),
            "endTimeUnixNano": _nanoseconds(max(self.start, self.end)),
            "attributes": attributes_as_otlp(self.attributes),
        }
        if self.parent_id is not None:
            document["parentSpanId"] = self.parent_id
        if self.problem is not None:
            document["status"] = {"code": _STATUS_ERROR, "message": _bounded(self.problem)}
        return document


def export_request(spans: Iterable[Span], resource: Mapping[str, str | int]) -> JsonObject:
    """Return the body of an OTLP request; ``resource`` says which process sends it."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes_as_otlp(resource)},
                "scopeSpans": [
                    {
                        "scope": {"name": "serviceexecution"},
                        "spans": [span.as_otlp() for span in spans],
                    }
                ],
            }
        ]
    }


def attributes_as_otlp(attributes: Mapping[str, str | int]) -> list[JsonValue]:
    """Return attributes in OTLP's JSON."""
    return [
        {
            "key": key,
            "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": _bounded(value)},
        }
        for key, value in attributes.items()
    ]


def _bounded(text: str) -> str:
    # Lone surrogates have no form in UTF-8, and a collector would refuse the whole request for one.
    return text[:LONGEST_TEXT].encode("utf-8", "replace").decode()


def _nanoseconds(moment: datetime) -> str:
    return str((moment - _EPOCH) // timedelta(microseconds=1) * 1000)
