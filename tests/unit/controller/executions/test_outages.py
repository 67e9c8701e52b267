"""Outages of the store and of gateways use up no time in which output and log are waited for."""

from typing import Any

import pytest

from serviceexecution.controller.executions.gateway_watch import GatewayWatch
from serviceexecution.controller.executions.outages import MOST_NAMESPACES, MOST_OUTAGES, Outages
from serviceexecution.executions.attendance import Outage
from serviceexecution.process.connections import takes_connections
from serviceexecution.store.errors import StoreError
from tests.unit.controller.harness import Clock, World, start
from tests.unit.executions.builders import at, ended, running

KEEPING = "The program has ended; its output and log are being kept."


class TestOutages:
    def test_an_outage_lasts_until_something_answers(self):
        clock = Clock()
        outages = Outages(clock.now)
        clock.seconds = 10
        outages.note_store("a", there=False)
        clock.seconds = 25
        assert outages.attendance("a").seconds(at(0), at(25)) == pytest.approx(10)
        outages.note_store("a", there=True)
        clock.seconds = 100
        assert outages.attendance("a").seconds(at(0), at(100)) == pytest.approx(85)

    def test_two_that_are_away_at_once_count_once(self):
        clock = Clock()
        outages = Outages(clock.now)
        outages.note_store("a", there=False)
        clock.seconds = 10
        outages.note_gateway(there=False)
        clock.seconds = 20
        outages.note_store("a", there=True)
        clock.seconds = 30
        outages.note_gateway(there=True)
        assert outages.attendance("a").seconds(at(0), at(40)) == pytest.approx(10)

    def test_the_time_of_a_read_that_fails_at_last_belongs_to_the_outage(self):
        clock = Clock()
        outages = Outages(clock.now)
        clock.seconds = 180
        outages.note_store("a", there=False, asked=at(0))
        assert outages.attendance("a").seconds(at(0), at(180)) == pytest.approx(0)

    def test_only_so_many_are_remembered(self):
        clock = Clock()
        outages = Outages(clock.now)
        for number in range(MOST_OUTAGES + 50):
            clock.seconds = number * 100
            outages.note_store("a", there=False)
            clock.seconds += 10
            outages.note_store("a", there=True)
        assert len(outages.attendance("a").outages) == MOST_OUTAGES

    def test_reads_that_fail_in_one_namespace_lengthen_nobody_elses_waiting(self):
        clock = Clock()
        outages = Outages(clock.now)
        outages.note_store("a", there=False)
        outages.note_gateway(there=False)
        clock.seconds = 10
        outages.note_gateway(there=True)
        clock.seconds = 100
        assert outages.attendance("a").seconds(at(0), at(100)) == pytest.approx(0)
        assert outages.attendance("b").seconds(at(0), at(100)) == pytest.approx(90)
        assert (outages.store_away_since("a"), outages.store_away_since("b")) == (at(0), None)

    def test_a_question_that_was_not_asked_is_no_outage_while_others_are_answered(self):
        clock = Clock()
        outages = Outages(clock.now)
        outages.note_unasked("busy", asked=at(0))
        assert outages.store_away_since("busy") is None
        outages.note_store("other", there=False)
        outages.note_unasked("busy", asked=at(0))
        assert outages.store_away_since("busy") == at(0)
        clock.seconds = 30
        outages.note_store("busy", there=True)
        assert outages.attendance("busy").outages == (Outage(at(0), at(30)),)

    def test_only_so_many_namespaces_are_remembered(self):
        clock = Clock()
        outages = Outages(clock.now)
        for number in range(MOST_NAMESPACES + 1):
            outages.note_store(f"team-{number}", there=False)
        clock.seconds = 10
        assert outages.store_away_since("team-0") is None
        assert outages.attendance("team-0").outages == ()
        assert outages.attendance("team-1").outages == (Outage(at(0), at(10)),)

    def test_a_controller_knows_nothing_of_the_time_before_it(self):
        clock = Clock()
        clock.seconds = 500
        assert Outages(clock.now).attendance("a").seconds(at(0), at(510)) == pytest.approx(10)


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
        assert outages.attendance("a").seconds(at(0), at(40)) == pytest.approx(20)

    async def test_a_gateway_that_cannot_be_seen_from_here_says_nothing(self):
        clock = Clock()
        outages = Outages(clock.now)

        async def is_there() -> bool:
            return False

        watch = GatewayWatch(outages, clock.now, is_there)
        await watch.look()
        assert outages.attendance("a").outages == ()

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


async def test_a_run_that_waits_for_the_store_says_since_when(world: World, monkeypatch: pytest.MonkeyPatch):
    store = Away(world, monkeypatch)
    await start(world)
    world.wait(10)
    world.pod(ended(), running())
    world.wait(7)
    await world.controller.run()
    assert world.execution.status.message == KEEPING, "a request that was lost is no outage"
    since = world.clock.now()
    for _ in range(3):
        world.wait(10)
        await world.controller.run()
        assert world.execution.status.message == (
            f"{KEEPING} The results store has not answered since {since:%Y-%m-%dT%H:%M:%SZ}."
        )
    store.away = False
    world.wait(5)
    await world.controller.run()
    assert world.execution.status.message == KEEPING
    await world.keep()
    world.wait(5)
    await world.controller.run()
    assert world.said() == ("Succeeded", "Succeeded")
