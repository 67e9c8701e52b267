"""Outages of the store and of gateways use up no time in which output and log are waited for."""

from typing import Any

import pytest

from serviceexecution.controller.executions.gateway_watch import GatewayWatch, takes_connections
from serviceexecution.controller.executions.outages import MOST_OUTAGES, Outages
from serviceexecution.store.errors import StoreError
from tests.unit.controller.harness import Clock, World, start
from tests.unit.executions.builders import at, ended, running


class TestOutages:
    def test_an_outage_lasts_until_something_answers(self):
        clock = Clock()
        outages = Outages(clock.now)
        clock.seconds = 10
        outages.note("store", there=False)
        clock.seconds = 25
        assert outages.attendance().seconds(at(0), at(25)) == pytest.approx(10)
        outages.note("store", there=True)
        clock.seconds = 100
        assert outages.attendance().seconds(at(0), at(100)) == pytest.approx(85)

    def test_two_that_are_away_at_once_count_once(self):
        clock = Clock()
        outages = Outages(clock.now)
        for seconds, what, there in ((0, "store", False), (10, "gateway", False), (20, "store", True)):
            clock.seconds = seconds
            outages.note(what, there=there)
        clock.seconds = 30
        outages.note("gateway", there=True)
        assert outages.attendance().seconds(at(0), at(40)) == pytest.approx(10)

    def test_the_time_of_a_read_that_fails_at_last_belongs_to_the_outage(self):
        clock = Clock()
        outages = Outages(clock.now)
        clock.seconds = 180
        outages.note("store", there=False, asked=at(0))
        assert outages.attendance().seconds(at(0), at(180)) == pytest.approx(0)

    def test_only_so_many_are_remembered(self):
        clock = Clock()
        outages = Outages(clock.now)
        for number in range(MOST_OUTAGES + 50):
            clock.seconds = number * 100
            outages.note("store", there=False)
            clock.seconds += 10
            outages.note("store", there=True)
        assert len(outages.attendance().outages) == MOST_OUTAGES

    def test_a_controller_knows_nothing_of_the_time_before_it(self):
        clock = Clock()
        clock.seconds = 500
        assert Outages(clock.now).attendance().seconds(at(0), at(510)) == pytest.approx(10)


class TestTheGateway:
    async def test_a_gateway_that_was_there_and_is_not_is_an_outage(self):
        clock, answers = Clock(), [True, False, False, True]
        outages = Outages(clock.now)

        async def is_there() -> bool:
            return answers.pop(0)

        watch = GatewayWatch(outages, clock.now, is_there)
        for _ in range(4):
            await watch.look()
            await watch.look()  # Somebody has just looked
            clock.seconds += 10
        assert not answers
        assert outages.attendance().seconds(at(0), at(40)) == pytest.approx(20)

    async def test_a_gateway_that_cannot_be_seen_from_here_says_nothing(self):
        clock = Clock()
        outages = Outages(clock.now)

        async def is_there() -> bool:
            return False

        watch = GatewayWatch(outages, clock.now, is_there)
        await watch.look()
        assert outages.attendance().outages == ()

    async def test_a_port_that_nobody_listens_on_takes_no_connections(self):
        assert not await takes_connections("http://127.0.0.1:1")


class Away:
    """A store whose reads fail while it is away."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.away = True
        read: Any = type(world.store.outputs).read_manifest

        async def read_manifest(store: Any, *args: Any) -> Any:
            if self.away:
                raise StoreError("the store does not answer")
            return await read(store, *args)

        monkeypatch.setattr(type(world.store.outputs), "read_manifest", read_manifest)


async def test_a_store_that_is_away_for_a_day_costs_no_result(world: World, monkeypatch: pytest.MonkeyPatch):
    store = Away(world, monkeypatch)
    await start(world, output={"collectTimeout": "30s"})
    world.wait(10)
    world.pod(ended(), running())
    world.wait(7)
    for _ in range(24):
        await world.controller.run()
        assert world.said() == ("Running", "Collecting")
        world.wait(3600)
    store.away = False
    await world.controller.run()
    assert world.said() == ("Running", "Collecting"), "the collector tries again within some seconds"
    await world.keep()
    world.wait(10)
    await world.controller.run()
    assert world.said() == ("Succeeded", "Succeeded")


async def test_a_controller_that_comes_back_after_hours_leaves_the_collector_its_time(world: World):
    await start(world, output={"collectTimeout": "30s"})
    world.wait(10)
    world.pod(ended(), running())
    world.wait(7)
    await world.controller.run()
    assert world.said() == ("Running", "Collecting")
    world.wait(7200)
    back = world.start()
    await back.run()
    assert world.said() == ("Running", "Collecting")
    world.wait(29)
    await back.run()
    assert world.said() == ("Running", "Collecting")
    world.wait(1)
    await back.run()
    assert world.said() == ("Failed", "ResultMissing")
