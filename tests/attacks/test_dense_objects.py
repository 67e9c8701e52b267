"""H2's kind, M3: an object of half a million small lists is not half a second of the gateway's event loop.

Fails on 9b98b50: parsing it set off some 700 collections of cycles, a dozen of them through everything that is known.
"""

import gc
import json
from collections import Counter
from collections.abc import Iterator

import pytest

from serviceexecution.kube.answers import decode_object
from serviceexecution.process.garbage import collect_seldom


@pytest.fixture(autouse=True)
def as_the_gateway() -> Iterator[None]:
    before = gc.get_threshold()
    collect_seldom()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_parsing_it_collects_a_few_times_and_never_everything():
    text = json.dumps({"spec": {"input": {"a": [[]] * 500_000}}}, separators=(",", ":")).encode()
    seen: Counter[int] = Counter()

    def count(phase: str, info: dict[str, int]) -> None:
        seen[info["generation"]] += phase == "start"

    gc.callbacks.append(count)
    try:
        assert decode_object(text)
    finally:
        gc.callbacks.remove(count)
    assert seen[2] == 0
    assert seen.total() < 15
