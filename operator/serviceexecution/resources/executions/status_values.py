"""Times and large numbers as a status has them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, PlainSerializer


def _rfc3339_seconds(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Timestamp = Annotated[datetime, PlainSerializer(_rfc3339_seconds, return_type=str, when_used="json")]
"""A point in time, UTC, whole seconds, as metav1.Time."""

LargeInteger = Annotated[int, Field(json_schema_extra={"format": "int64"})]
