"""A gateway that starts while the store is away: ready where nobody else is and there is something to serve."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.readiness import Readiness
from serviceexecution.store.errors import StoreError
from serviceexecution.store.storage import answers
from serviceexecution.store.storage.objects import Objects
from serviceexecution.store.store import ResultStore


class Start:
    """One start of a gateway."""

    def __init__(self, *, knows_something: bool = True, another: bool = False) -> None:
        self.another = another
        self.store = ResultStore.open("memory:///", "c")
        state: Any = SimpleNamespace(ready=True, knows_something=knows_something)
        self.readiness = Readiness(self.store, asyncio.Event(), state, self.look)

    async def look(self) -> bool:
        return self.another

    async def is_ready(self) -> bool:
        try:
            await self.readiness.answer()
        except (Problem, StoreError):
            return False
        return True


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A store that is away while this holds True."""
    said = [True]
    real = Objects.get

    async def get(objects: Objects, key: str) -> bytes | None:
        with objects.answers.noted():
            if said[0]:
                raise StoreError("the store does not answer")
        return await real(objects, key)

    monkeypatch.setattr(Objects, "get", get)
    monkeypatch.setattr(answers, "NOTICE", answers.NOTICE * 0)
    return said


async def test_a_gateway_that_starts_while_the_store_is_away_is_ready_where_no_other_is(
    away: list[bool],
) -> None:
    start = Start()
    assert "has not answered since" in str((await start.readiness.answer())["store"])
    start.another = True  # The Service leads to this gateway now
    assert await start.is_ready()
    away[0] = False
    await start.readiness.answer()
    assert await start.readiness.answer() == {"status": "ok"}


async def test_an_outage_that_is_over_is_seen_although_nobody_needs_the_store(away: list[bool]) -> None:
    away[0] = False
    start = Start()
    assert await start.readiness.answer() == {"status": "ok"}
    away[0] = True
    with pytest.raises(StoreError):
        await start.store.check()
    assert "has not answered since" in str((await start.readiness.answer())["store"])
    away[0] = False
    async with asyncio.timeout(5):
        while (await start.readiness.answer()) != {"status": "ok"}:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_wrong_settings_stop_a_rollout_while_an_earlier_gateway_serves(away: list[bool]) -> None:
    start = Start(another=True)
    assert away[0]
    assert not await start.is_ready()
    start.another = False
    assert await start.is_ready()


async def test_wrong_settings_of_a_new_installation_are_said(away: list[bool]) -> None:
    start = Start(knows_something=False)
    assert not await start.is_ready()
    away[0] = False
    assert await start.is_ready()
