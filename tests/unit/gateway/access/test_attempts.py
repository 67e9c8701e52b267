"""Who waits behind whom before a credential is looked at."""

import asyncio
import contextlib

import pytest

from serviceexecution.gateway.access import attempts
from serviceexecution.gateway.access.attempts import (
    AT_ONCE,
    AT_ONCE_PER_ADDRESS,
    FORGIVEN_EVERY,
    MOST_FAILURES,
    REMEMBERED,
    REMEMBERED_SECONDS,
    SLOW_SECONDS,
    WAITING,
    WAITING_PER_ADDRESS,
    Attempts,
)
from serviceexecution.gateway.http.problems import Problem


class Door:
    """Attempts whose turns last until they are let go, and who was told what."""

    def __init__(self):
        self.now = 0.0
        self.attempts = Attempts(clock=lambda: self.now)
        self.inside, self.sent_away, self.seen = {}, [], []
        self.tasks, self.answers = [], set()

    async def come(self, name, address="proxy"):
        self.tasks.append(asyncio.create_task(self._try(name, address)))
        await self.settle()

    async def _try(self, name, address):
        try:
            async with self.attempts.turn(address, name.encode()):
                self.seen.append(name)
                self.inside[name] = leaving = asyncio.Event()
                await leaving.wait()
                del self.inside[name]
        except Problem as problem:
            self.sent_away.append(name)
            self.answers.add((problem.status, problem.headers["Retry-After"]))

    async def let_go(self, times=1):
        for _ in range(times):
            next(iter(self.inside.values())).set()
            await self.settle()

    async def settle(self):
        for _ in range(4):
            await asyncio.sleep(0)

    async def close(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def door():
    found = Door()
    yield found
    await found.close()


async def fill(door, address="proxy", count=AT_ONCE_PER_ADDRESS + WAITING_PER_ADDRESS, name="flood"):
    for number in range(count):
        door.now += 0.001
        await door.come(f"{name}-{number}", address)


async def test_an_address_has_a_few_turns_and_others_the_rest(door):
    await fill(door, count=10)
    assert len(door.inside) == AT_ONCE_PER_ADDRESS
    await door.come("elsewhere", "other")
    assert "elsewhere" in door.inside


async def test_all_turns_are_bounded_and_addresses_take_them_in_turn(door):
    for number in range(AT_ONCE):
        await door.come(f"first-{number}", f"address-{number}")
    await fill(door, count=3)
    await door.come("elsewhere", "other")
    assert len(door.inside) == AT_ONCE
    await door.let_go(2)
    assert {"flood-0", "elsewhere"} <= set(door.inside)


async def test_a_full_line_sends_away_who_came_last(door):
    await fill(door)
    assert not door.sent_away
    await door.come("late")
    assert door.sent_away == ["late"]
    assert door.answers == {(429, "1")}


async def test_who_comes_back_goes_first_and_the_last_of_the_line_makes_room(door):
    await fill(door)
    await door.come("good")
    assert door.sent_away == ["good"]
    await door.let_go(WAITING_PER_ADDRESS)
    await fill(door, name="second", count=WAITING_PER_ADDRESS)
    door.now += 1
    await door.come("good")
    assert door.sent_away == ["good", f"second-{WAITING_PER_ADDRESS - 1}"]
    await door.let_go()
    assert "good" in door.inside


@pytest.mark.parametrize("comes_again_each", [None, 1.0], ids=["new tokens", "tokens that come back, too"])
async def test_a_good_one_gets_in_within_seconds_under_300_bad_ones_a_second(door, comes_again_each):
    """The API server answers 60 times a second: a fifth of what comes."""
    left: list[tuple[str, float]] = []
    tick = 0
    good_since = None
    while "good" not in door.seen:
        if tick % 10 == 5:  # a hundred milliseconds; the others have come before
            due = [(name, at) for name, at in left if door.now >= at]
            left = [entry for entry in left if entry not in due]
            names = [name for name, _ in due][:30]
            names += [f"bad-{tick}-{number}" for number in range(30 - len(names))]
            before = len(door.sent_away)
            for name in names:
                await door.come(name)
            if comes_again_each is not None:
                left += [(name, door.now + comes_again_each) for name in door.sent_away[before:]]
        if tick > 100 and tick % 100 == 7:  # once a second, as Retry-After says
            good_since = door.now if good_since is None else good_since
            await door.come("good")
        if door.inside and tick % 10 < 6:
            await door.let_go()
        tick += 1
        door.now = tick / 100
        assert good_since is None or door.now - good_since < 12
    assert good_since is not None


async def test_when_all_is_full_the_longest_line_makes_room(door):
    others = WAITING // WAITING_PER_ADDRESS
    for number in range(others + 1):
        await fill(door, f"flood-{number}", WAITING_PER_ADDRESS, name=f"f{number}")
    door.sent_away.clear()
    await door.come("new", "a quiet address")
    assert door.sent_away
    assert "new" not in door.sent_away


async def test_when_all_lines_are_as_short_who_comes_back_is_not_sent_away_again(door, monkeypatch):
    monkeypatch.setattr(attempts, "WAITING", 20)
    for number in range(AT_ONCE + 20):
        await door.come(f"first-{number}", f"address-{number}")
    await door.come("good", "a quiet address")
    assert door.sent_away == ["good"]
    await door.let_go()
    door.now += 1
    await door.come("later", "another")
    await door.come("good", "a quiet address")
    assert door.sent_away == ["good", "later"]


async def test_who_waits_too_long_is_told_to_come_back(door, monkeypatch):
    monkeypatch.setattr(attempts, "WAIT_SECONDS", 0.01)
    await fill(door, count=AT_ONCE_PER_ADDRESS + 1)
    await asyncio.wait_for(door.tasks[-1], 10)
    assert door.sent_away == [f"flood-{AT_ONCE_PER_ADDRESS}"]
    await door.let_go(AT_ONCE_PER_ADDRESS)
    assert not door.attempts._lines
    assert (door.attempts._waiting, door.attempts._free) == (0, AT_ONCE)


async def test_who_goes_away_leaves_nothing_behind(door):
    await fill(door)
    await door.close()
    assert not door.attempts._lines
    assert (door.attempts._waiting, door.attempts._free) == (0, AT_ONCE)


async def test_an_old_place_counts_for_a_minute_only(door):
    await fill(door)
    await door.come("good")
    door.now += REMEMBERED_SECONDS
    assert door.attempts._since(b"good") == door.now


async def test_what_is_remembered_is_bounded(door):
    await fill(door)
    for number in range(REMEMBERED + 10):
        with contextlib.suppress(Problem):
            await door.attempts.turn("proxy", f"x-{number}".encode()).__aenter__()
    assert len(door.attempts._sent_away) == REMEMBERED


async def test_a_minute_after_a_flood_an_address_is_answered_as_any_other(monkeypatch):
    pauses = []

    async def pause(seconds):
        pauses.append(seconds)

    monkeypatch.setattr(attempts, "pause", pause)
    now = 0.0
    found = Attempts(clock=lambda: now)
    for _ in range(10 * MOST_FAILURES):
        await found.failed("proxy")
    assert set(pauses) == {SLOW_SECONDS}
    now = (MOST_FAILURES - attempts.ALLOWED_FAILURES + 1) * FORGIVEN_EVERY
    pauses.clear()
    await found.failed("proxy")
    assert not pauses
    assert now < 65
