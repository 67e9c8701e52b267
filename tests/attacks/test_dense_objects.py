"""H2's kind, M3: an object of half a million small lists is not half a second of the gateway's event loop.

Fails on 9b98b50: parsing it set off some 700 collections of cycles, a dozen of them through everything that is known.
On f6bb466 each change of an object of 1.4 MB of numbers, and each question for it, still held the loop for 70 ms.
"""

import asyncio
import gc
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from typing_extensions import override

from serviceexecution.kube.answers import decode_object
from serviceexecution.kube.kinds import CONFIG_MAPS
from serviceexecution.kube.objects import ObjectClient
from serviceexecution.kube.transport import Transport
from serviceexecution.kube.watch import watch_events
from serviceexecution.process.garbage import collect_seldom
from tests.support.loop_steps import measured_steps


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


NUMBERS = b'{"metadata":{"name":"a"},"spec":{"input":[%b1e9]}}' % (b"1.5," * 370_000)


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 2**18):
        yield data[start : start + 2**18]


async def watched() -> object:
    line = b'{"type": "MODIFIED", "object": ' + NUMBERS + b"}\n"
    return [event.object async for event in watch_events(chunks(line * 2))]


class Answering(Transport):
    """Answers each question with the same bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @override
    async def read(self, *args: object, **kwargs: object) -> bytes:
        return self._data


async def asked() -> object:
    return [await ObjectClient(Answering(NUMBERS)).get(CONFIG_MAPS, "team-a", "a")] * 2


async def listed() -> object:
    page = b'{"metadata": {"resourceVersion": "1"}, "items": [' + NUMBERS + b"," + NUMBERS + b"]}"
    pages = ObjectClient(Answering(page)).list_pages(CONFIG_MAPS, "team-a")
    return [item async for found in pages for item in found.items]


@pytest.mark.parametrize("read", [watched, asked, listed])
async def test_a_megabyte_of_numbers_is_read_beside_the_event_loop(
    read: Callable[[], Awaitable[object]],
) -> None:
    with measured_steps() as steps:
        await asyncio.sleep(0)  # The step that has begun is not measured
        found = await read()
        await asyncio.sleep(0)
    assert found == [json.loads(NUMBERS)] * 2
    assert steps.longest < 0.05
