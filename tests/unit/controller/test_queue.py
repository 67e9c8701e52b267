"""The work queue, without waiting: timers are seen in the loop's own time."""

import asyncio

import pytest

from serviceexecution.controller.work.queue import FIRST_BACKOFF, LARGEST_BACKOFF, WorkQueue


class Clock:
    """Time of the running loop that a test moves."""

    def __init__(self, loop, monkeypatch):
        self._now = loop.time()
        monkeypatch.setattr(loop, "time", lambda: self._now)

    async def move(self, seconds):
        self._now += seconds
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def clock(monkeypatch):
    return Clock(asyncio.get_running_loop(), monkeypatch)


def has(queue: WorkQueue[str]) -> bool:
    return len(queue) > 0


async def test_keys_come_in_order_and_once():
    queue = WorkQueue[str]()
    for key in ("a", "b", "a"):
        queue.add(key)
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert not has(queue)


async def test_a_key_added_while_it_is_worked_on_runs_once_more_afterwards():
    queue = WorkQueue[str]()
    queue.add("a")
    key = await queue.get()
    queue.add("a")
    queue.add("a")
    assert not has(queue), "never two at the same time"
    queue.done(key, succeeded=True)
    assert await queue.get() == "a"
    queue.done("a", succeeded=True)
    assert not has(queue)


async def test_waiters_are_served_one_key_each():
    queue = WorkQueue[str]()
    waiters = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add("a")
    queue.add("b")
    assert sorted(await asyncio.gather(*waiters)) == ["a", "b"]


async def test_a_cancelled_waiter_loses_no_key():
    queue = WorkQueue[str]()
    first, second = (asyncio.create_task(queue.get()) for _ in range(2))
    await asyncio.sleep(0)
    queue.add("a")  # wakes the first
    first.cancel()
    assert await asyncio.wait_for(second, 1) == "a"
    assert first.cancelled() or await asyncio.gather(first, return_exceptions=True)


async def test_a_delayed_key_comes_when_its_time_is_over(clock):
    queue = WorkQueue[str]()
    queue.add_after("a", 10)
    await clock.move(9)
    assert not has(queue)
    await clock.move(2)
    assert await queue.get() == "a"


@pytest.mark.parametrize(("first", "second"), [(10, 100), (100, 10)])
async def test_the_earlier_of_two_delays_counts(clock, first, second):
    queue = WorkQueue[str]()
    queue.add_after("a", first)
    queue.add_after("a", second)
    await clock.move(11)
    assert await queue.get() == "a"
    queue.done("a", succeeded=True)
    await clock.move(200)
    assert not has(queue)


async def test_an_event_comes_before_a_delay_and_replaces_it(clock):
    queue = WorkQueue[str]()
    queue.add_after("a", 10)
    queue.add("a")
    assert await queue.get() == "a"
    queue.done("a", succeeded=True)
    await clock.move(100)
    assert not has(queue)


async def test_failures_back_off_and_success_forgets_them(clock):
    queue = WorkQueue[str]()
    pauses = [queue.retry("a") for _ in range(12)]
    assert pauses[:3] == [FIRST_BACKOFF, 2 * FIRST_BACKOFF, 4 * FIRST_BACKOFF]
    assert pauses[-1] == LARGEST_BACKOFF
    assert pauses == sorted(pauses)
    await clock.move(LARGEST_BACKOFF)
    key = await queue.get()
    queue.done(key, succeeded=True)
    assert queue.retry("a") == FIRST_BACKOFF


async def test_a_failed_key_waits_out_its_pause(clock):
    queue = WorkQueue[str]()
    queue.add("a")
    key = await queue.get()
    queue.retry(key)
    queue.done(key, succeeded=False)
    assert not has(queue)
    await clock.move(FIRST_BACKOFF + 0.01)
    assert await queue.get() == "a"
    assert queue.retry("a") == 2 * FIRST_BACKOFF


async def test_a_forgotten_key_does_not_come_back(clock):
    queue = WorkQueue[str]()
    queue.add_after("a", 1)
    queue.forget("a")
    await clock.move(10)
    assert not has(queue)


def owner(key: str) -> str:
    return key[0]


async def test_owners_take_turns_in_the_queue():
    queue = WorkQueue[str](owner_of=owner)
    for key in ("a1", "a2", "a3", "b1", "c1"):
        queue.add(key)
    assert [await queue.get() for _ in range(5)] == ["a1", "b1", "c1", "a2", "a3"]


async def test_an_owner_has_only_so_many_worked_on():
    queue = WorkQueue[str](owner_of=owner, most_per_owner=2)
    for key in ("a1", "a2", "a3"):
        queue.add(key)
    assert [await queue.get() for _ in range(2)] == ["a1", "a2"]
    third = asyncio.create_task(queue.get())
    other = asyncio.create_task(queue.get())
    queue.add("b1")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sorted([third.done(), other.done()]) == [False, True], "b's is taken, a's third waits"
    queue.done("a1", succeeded=True)
    assert sorted(await asyncio.gather(third, other)) == ["a3", "b1"]


async def test_what_only_looks_again_comes_behind_news_but_comes(clock):
    queue = WorkQueue[str]()
    queue.add_after("look", 1)
    await clock.move(2)
    for number in range(6):
        queue.add(f"news {number}")
    found = [await queue.get() for _ in range(7)]
    assert found[:4] == ["news 0", "news 1", "news 2", "news 3"]
    assert found[4] == "look"


async def test_news_of_a_key_that_was_to_be_looked_at_again_moves_it_forward_and_runs_it_once(clock):
    queue = WorkQueue[str]()
    for key in ("first", "second"):
        queue.add_after(key, 1)
        await clock.move(2)
    queue.add("second")
    assert len(queue) == 2
    assert [await queue.get(), await queue.get()] == ["second", "first"]
    assert not has(queue)
    queue.done("second", succeeded=True)
    queue.add_after("second", 1)
    await clock.move(2)
    assert await queue.get() == "second"
    assert not has(queue)


async def test_the_age_of_the_oldest_work():
    now = 100.0
    queue = WorkQueue[str](clock=lambda: now)
    assert queue.oldest_seconds() == 0
    queue.add("a")
    await queue.get()
    now = 105.0
    queue.add("b")
    now = 107.0
    assert queue.oldest_seconds() == 7, "work that hangs counts too"
    assert queue.longest_pass_seconds() == 7
    queue.done("a", succeeded=True)
    assert queue.oldest_seconds() == 2
    assert queue.longest_pass_seconds() == 0, "what waits does not hang"
