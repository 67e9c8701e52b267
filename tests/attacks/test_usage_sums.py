"""Somebody asks for what a service has used, again and again, where a month has tens of thousands of executions.

Each such request lists them all and holds them in memory: without turns some dozens filled the gateway's.
"""

import asyncio

import pytest

from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.state import monthly_usage
from serviceexecution.gateway.state.monthly_usage import UsageReads
from serviceexecution.store.store import ResultStore
from serviceexecution.store.usage.sums import MonthlyUsage


class Counting:
    """Sums that take as long as they are held up."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.running: list[str] = []
        self.asked = 0

    async def month(self, namespace: str, service: str, month: str) -> MonthlyUsage:
        """Return a month once it may."""
        self.asked += 1
        self.running.append(namespace)
        await self.go_on.wait()
        self.running.remove(namespace)
        return MonthlyUsage(month)


@pytest.fixture
async def held(tmp_path, monkeypatch):
    reads, sums = UsageReads(ResultStore.open(f"file://{tmp_path}", "cluster")), Counting()
    monkeypatch.setattr(reads, "_sums", sums)
    return reads, sums


async def begun(sums: Counting, number: int) -> None:
    async with asyncio.timeout(10):
        while len(sums.running) < number:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.001)


async def test_a_namespace_has_half_of_the_turns_and_others_wait_for_none_of_its_own(held):
    reads, sums = held
    mine = [asyncio.create_task(reads.read("mallory", f"s{n}", "2026-11")) for n in range(30)]
    others = asyncio.create_task(reads.read("team-b", "s", "2026-11"))
    await begun(sums, 3)
    assert sorted(sums.running) == ["mallory", "mallory", "team-b"]
    sums.go_on.set()
    assert {one[0].month for one in await asyncio.gather(*mine, others)} == {"2026-11"}


async def test_the_same_question_is_asked_once(held):
    reads, sums = held
    same = [asyncio.create_task(reads.read("mallory", "s", "2026-11")) for _ in range(30)]
    await begun(sums, 1)
    sums.go_on.set()
    await asyncio.gather(*same)
    assert sums.asked == 1


async def test_a_request_that_waits_too_long_is_told_to_come_back(held, monkeypatch):
    monkeypatch.setattr(monthly_usage, "_WAIT_SECONDS", 0.05)
    reads, sums = held
    mine = [asyncio.create_task(reads.read("mallory", f"s{n}", "2026-11")) for n in range(2)]
    await begun(sums, 2)
    with pytest.raises(Problem) as raised:
        await reads.read("mallory", "another", "2026-11")
    assert (raised.value.status, raised.value.code) == (503, "TooManyReads")
    sums.go_on.set()
    await asyncio.gather(*mine)
