"""What is said of one call. Pure."""

from dataclasses import dataclass, field
from typing import Literal

from serviceexecution.contract.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class Operation:
    """One call."""

    method: Literal["get", "put", "post", "delete"]
    path: str
    """Below the namespace."""
    name: str
    summary: str
    answer: str | None = None
    """Name of the schema of its answer, with [] behind it for a list of them; None for one without a body."""
    parameters: dict[str, JsonObject] = field(default_factory=dict)
    """Name in the query → schema."""
    body: str | None = None
    """Name of the schema of its body."""
    body_type: str = "application/json"
    status: int = 200
    media_type: str = "application/json"
    pending: bool = False
    """Whether 204 says that there is nothing yet."""
    also_text: bool = False
    """Whether it answers in plain text when it is asked to."""
    ranges: bool = False
    """Whether it answers with a part when it is asked to."""
