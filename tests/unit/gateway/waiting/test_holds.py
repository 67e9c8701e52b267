"""Requests that are held: who makes room, and that nothing stays of those who leave."""

import asyncio

import pytest
from fastapi import Request
from starlette.requests import ClientDisconnect

from serviceexecution.fairness.payers import Payer, paid_by
from serviceexecution.gateway.http.gone import HELD
from serviceexecution.gateway.state.changes import Changes
from serviceexecution.gateway.state.execution_index import ExecutionIndex
from serviceexecution.gateway.waiting.holds import LARGEST_HEAD, PER_PROCESS, Holds
from tests.unit.gateway.waiting.bodies import body


class Room:
    """Holds, and shorthands."""

    def __init__(self, most=PER_PROCESS):
        self.changes, self.draining = Changes(), asyncio.Event()
        self.index = ExecutionIndex(changes=self.changes)
        self.holds = Holds(self.changes, self.draining, most)
        self.leave = asyncio.Event()
        self.connection = []

    async def _receive(self):
        await self.leave.wait()
        return {"type": "http.disconnect"}

    def hold(
        self, namespace="team-a", account="alice", name="a", seconds=60.0, *, look=lambda: None, headers=()
    ):
        execution = self.index.put(body(name, 1, namespace=namespace))
        assert execution is not None
        scope = {
            "type": "http",
            "path": "/",
            "query_string": b"",
            "headers": list(headers),
            "extensions": {HELD: self.connection.append},
        }
        request = Request(scope, self._receive)

        async def held():
            with paid_by(Payer("callers", account)):
                return await self.holds.hold(request, execution, look, seconds)

        return asyncio.create_task(held())


async def _settled():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_change_that_counts_ends_it():
    room = Room()
    enough: list[bool] = []
    held = room.hold(look=lambda: 0 if enough else None)
    await _settled()
    assert len(room.holds) == 1
    room.index.put(body("a", 2, "Running"))
    await _settled()
    assert not held.done()
    enough.append(True)
    room.index.put(body("a", 3, "Succeeded"))
    assert await held
    assert len(room.holds) == 0


async def test_a_deletion_and_the_end_of_its_time_end_it():
    room = Room()
    held = room.hold()
    await _settled()
    room.index.drop("team-a", "a", "uid-a")
    assert await held
    assert await room.hold(seconds=0.01)


async def test_a_client_that_leaves_frees_its_place_at_once():
    room = Room()
    held = room.hold()
    await _settled()
    room.leave.set()
    with pytest.raises(ClientDisconnect):
        await held
    assert len(room.holds) == 0


async def test_the_end_of_the_process_answers_all_and_nothing_is_held_then():
    room = Room()
    held = [room.hold(name=f"e-{number}") for number in range(5)]
    await _settled()
    room.draining.set()
    assert await asyncio.gather(*held) == [True] * 5
    assert await room.hold() is False


async def test_the_connection_can_have_it_answered_to_make_room():
    room = Room()
    held = room.hold()
    await _settled()
    room.connection[0]()
    assert await held
    assert room.connection[1] is None


async def test_who_holds_most_makes_room_and_nobody_is_refused_by_others():
    room = Room(most=4)
    flood = [room.hold() for _ in range(4)]
    await _settled()
    assert await room.hold() is False  # No more than the flood has itself
    other = room.hold("team-b", "bob")
    await _settled()
    assert [one.done() for one in flood] == [False, False, False, True]
    colleague = room.hold("team-a", "carol")
    await _settled()
    assert [one.done() for one in flood] == [False, False, True, True]
    assert len(room.holds) == 4
    room.draining.set()
    assert await asyncio.gather(*flood, other, colleague) == [True] * 6


async def test_two_thousand_are_held_by_one_task_each_and_no_timer_looks_again():
    room, looks = Room(), []

    def look():
        looks.append(1)

    before = len(asyncio.all_tasks())
    held = [room.hold(name=f"e-{number}", look=look) for number in range(PER_PROCESS)]
    await _settled()
    assert len(room.holds) == PER_PROCESS
    assert len(looks) == PER_PROCESS  # Once each: nothing looks again until something changes
    assert len(asyncio.all_tasks()) <= before + 2 * PER_PROCESS + 1
    room.index.put(body("e-7", 2, "Running"))
    assert len(looks) == PER_PROCESS + 1  # A change is told to those who wait for it
    room.draining.set()
    assert all(await asyncio.gather(*held))
    assert len(room.holds) == 0


async def test_an_execution_that_changes_again_and_again_costs_a_held_request_one_timer():
    """Each change of an execution for which two thousand wait made two thousand timers more."""
    room, loop = Room(), asyncio.get_running_loop()
    held = room.hold(look=lambda: 5.0)
    await _settled()
    before = len(getattr(loop, "_scheduled"))  # noqa: B009 - asyncio's own
    for version in range(2, 102):
        room.index.put(body("a", version, "Running"))
    assert len(getattr(loop, "_scheduled")) == before  # noqa: B009
    room.draining.set()
    assert await held


@pytest.mark.parametrize(
    "headers",
    [[(b"authorization", b"x" * LARGEST_HEAD)], [(b"a", b"")] * (LARGEST_HEAD // 128)],
    ids=["long", "many"],
)
async def test_a_request_with_a_large_head_is_not_held(headers):
    room = Room()
    async with asyncio.timeout(5):
        assert await room.hold(headers=headers) is False
    assert len(room.holds) == 0


async def test_a_request_with_the_token_of_an_identity_provider_is_held():
    room = Room()
    held = room.hold(headers=[(b"authorization", b"x" * 12_000), *[(b"accept", b"*/*")] * 20])
    await _settled()
    assert len(room.holds) == 1
    room.draining.set()
    assert await held
