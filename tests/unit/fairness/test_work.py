"""Work in threads: bounded, in turns, and the turn of one who left is given back."""

import asyncio
import threading

import pytest

from serviceexecution.fairness.work import FairThreads


async def test_returns_and_raises_what_the_function_does():
    threads = FairThreads()
    assert await threads.run("a", int, "12") == 12
    with pytest.raises(ValueError, match="invalid literal"):
        await threads.run("a", int, "x")


async def test_a_namespace_leaves_a_thread_for_others():
    threads = FairThreads(2)
    go = threading.Event()
    try:
        flood = [asyncio.create_task(threads.run("flooder", go.wait, 30)) for _ in range(20)]
        assert await asyncio.wait_for(threads.run("witness", lambda: "done"), 20) == "done"
        assert not any(task.done() for task in flood)
    finally:
        go.set()
    assert all(await asyncio.gather(*flood))


async def test_one_who_left_holds_the_turn_until_the_thread_has_ended():
    threads = FairThreads(1)
    go = threading.Event()
    left = asyncio.create_task(threads.run("a", go.wait, 30))
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    go.set()
    assert await asyncio.wait_for(threads.run("b", lambda: "next"), 20) == "next"
