"""JSON that is nested deeply."""

import json
from typing import Any

DEPTH = 5_000


def deep(*, depth: int = DEPTH, lists: bool = False) -> Any:
    opening, closing = ("[", "]") if lists else ('{"a":', "}")
    return json.loads(f'{{"deep":{opening * depth}1{closing * depth}}}')
