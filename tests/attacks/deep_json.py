"""JSON that is nested deeply."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from serviceexecution.process.nesting import take_deep_objects

DEPTH = 5_000


def deep(*, depth: int = DEPTH, lists: bool = False) -> Any:
    opening, closing = ("[", "]") if lists else ('{"a":', "}")
    return json.loads(f'{{"deep":{opening * depth}1{closing * depth}}}')


@pytest.fixture(autouse=True)
def levels() -> Iterator[None]:
    """Parse as deep as our processes do, in each test of a module that imports this."""
    before = sys.getrecursionlimit()
    take_deep_objects()
    yield
    sys.setrecursionlimit(before)
