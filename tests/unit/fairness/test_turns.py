"""Turns and rotation: who floods waits behind his own, and nothing is lost when somebody leaves."""

import asyncio
import contextlib

import pytest

from serviceexecution.fairness.rotation import Rotation
from serviceexecution.fairness.turns import FairTurns, NoTurnError


def test_keys_take_turns_and_a_keys_own_order_stays():
    rotation = Rotation[str, int]()
    for number in range(3):
        rotation.add("flooder", number)
    rotation.add("witness", 10)
    taken = [rotation.take() for _ in range(5)]
    assert taken == [("flooder", 0), ("witness", 10), ("flooder", 1), ("flooder", 2), None]
    assert len(rotation) == 0


def test_a_key_that_is_not_allowed_is_passed_over_and_keeps_its_place():
    rotation = Rotation[str, int]()
    rotation.add("a", 1)
    rotation.add("b", 2)
    assert rotation.take(lambda key: key == "b") == ("b", 2)
    assert rotation.take(lambda key: key == "b") is None
    assert rotation.take() == ("a", 1)


def test_an_item_that_left_is_not_handed_out():
    rotation = Rotation[str, int]()
    rotation.add("a", 1)
    rotation.remove("a", 1)
    rotation.remove("a", 1)
    rotation.remove("b", 1)
    assert (len(rotation), rotation.take(), rotation.waiting("a")) == (0, None, 0)


async def test_a_flooders_queue_holds_up_nobody_else():
    turns = FairTurns(1)
    order = []

    async def work(key):
        async with turns.turn(key):
            order.append(key)
            await asyncio.sleep(0)

    async with turns.turn("flooder"):
        tasks = [asyncio.create_task(work("flooder")) for _ in range(50)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(work("witness")))
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order.index("witness") <= 1
    assert len(order) == 51


async def test_one_key_never_holds_more_than_its_part():
    turns = FairTurns(4, per_key=2)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(turns.turn("flooder"))
        with pytest.raises(NoTurnError):
            await stack.enter_async_context(turns.turn("flooder", wait=0.01))
        for _ in range(2):
            await stack.enter_async_context(turns.turn("witness", wait=1))
    async with turns.turn("flooder", wait=1), turns.turn("flooder", wait=1):
        pass


async def test_those_who_wait_are_counted_too():
    turns = FairTurns(1, waiting_per_key=1)
    async with turns.turn("a"):
        waiting = asyncio.create_task(turns.turn("a").__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(NoTurnError):
            await turns.turn("a").__aenter__()
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
    async with turns.turn("a", wait=1):
        pass


async def test_a_turn_is_not_lost_when_its_task_is_cancelled_as_it_comes():
    turns = FairTurns(1)
    holder = turns.turn("a")
    await holder.__aenter__()
    waiting = asyncio.create_task(turns.turn("b").__aenter__())
    await asyncio.sleep(0)
    await holder.__aexit__(None, None, None)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    async with turns.turn("c", wait=1):
        pass


def test_numbers_below_one_are_refused():
    with pytest.raises(ValueError, match="1 or more"):
        FairTurns(0)
    with pytest.raises(ValueError, match="1 or more"):
        FairTurns(1, per_key=0)
