"""Allowances: who has spent what he saved waits until it is earned, and no other with him."""

import asyncio

import pytest

from serviceexecution.fairness.allowances import Allowances
from serviceexecution.fairness.turns import NoTurnError


class Clock:
    """A clock that stands, and sleeps that only move it."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def allowances(clock):
    return Allowances(rate=10, saved=30, clock=clock, sleep=clock.sleep)


async def test_what_is_saved_is_spent_at_once_and_the_rest_is_waited_for(clock, allowances):
    for _ in range(4):  # The last one begins when all before it has been earned
        await allowances.take("flooder", 10, patience=60)
    assert clock.now == 100
    await allowances.take("flooder", 10, patience=60)
    assert clock.now == 101


async def test_what_one_spends_costs_no_other(clock, allowances):
    allowances.spend("flooder", 1000)
    await allowances.take("witness", 10, patience=0)
    assert clock.now == 100


async def test_a_wait_that_would_be_too_long_is_refused_and_spends_nothing(allowances):
    allowances.spend("flooder", 80)
    assert allowances.seconds_until_free("flooder") == 5
    with pytest.raises(NoTurnError):
        await allowances.take("flooder", 10, patience=4.9)
    assert allowances.seconds_until_free("flooder") == 5


async def test_what_is_earned_while_one_rests_has_a_bound(clock, allowances):
    clock.now += 1000
    allowances.spend("flooder", 40)
    assert allowances.seconds_until_free("flooder") == 1


async def test_keys_that_owe_nothing_are_forgotten(clock, allowances):
    for number in range(5000):
        allowances.spend(f"key-{number}", 1)
        clock.now += 1
    assert len(allowances._earned_at) <= 1001


async def test_who_came_first_goes_first():
    allowances, gone = Allowances(rate=100, saved=1), []

    async def take(name):
        await allowances.take("flooder", 2, patience=5)
        gone.append(name)

    await asyncio.gather(*(take(number) for number in range(6)))
    assert gone == list(range(6))
