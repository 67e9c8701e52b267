"""One bad input: what is given, where it is refused, and what is then said."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject
from tests.support.sandbox import Sandbox, program

FAST: Final = "12s"
"""``spec.startTimeout`` of these tests: it bounds every limit, and the defaults are minutes."""

HELLO: Final = program("print('hello')")
SECRET: Final[JsonObject] = {"secretKeyRef": {"name": "tokens", "key": "first"}}


class RefusedBy(StrEnum):
    """Where an input is refused."""

    SCHEMA = "API server (the resource's schema)"
    POLICY = "API server (admission policy)"
    OPERATOR = "operator"


@dataclass(frozen=True)
class BadInput:
    """One bad input. ``sentence`` is what is printed; ``<…>`` stands for what differs from case to case."""

    name: str
    what: str
    by: RefusedBy
    sentence: str
    spec: JsonObject
    reason: str = ""
    """Of the failed execution; empty when the API server refuses."""
    when: str = "at once"
    prepare: Callable[[Sandbox], None] = field(default=lambda _: None)
    change: JsonObject | None = None
    """Merge patch of an execution of ``spec``, which is then what is refused."""

    def matches(self, text: str) -> bool:
        """Tell whether ``text`` is the sentence."""
        parts = re.split(r"<[a-z ]+>", self.sentence)
        return re.fullmatch("(?s:.*?)".join(re.escape(part) for part in parts), text) is not None


def with_hello(**fields: object) -> JsonObject:
    """Return the spec of a harmless program with these fields."""
    return {"runtime": HELLO, **cast("JsonObject", fields)}


MINUTE = "after 60 s (`executions.missingReferenceLimit`)"
IMAGE_LIMIT = "after 120 s (`executions.imageRefusedLimit`)"
START_LIMIT = "after `spec.startTimeout`"
