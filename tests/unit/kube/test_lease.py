"""Leader election with candidates on the API server in memory."""

import asyncio
import copy
from typing import Any

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import LEASES
from serviceexecution.kube.lease import LeaderLease, LeaseTiming
from tests.support.api_server.server import ApiServer

FAST = LeaseTiming(duration=1, renew_deadline=0.2, retry_period=0.01)


class LeaseServer(ApiServer):
    """Keeps one Lease; can be away or hang."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.hangs = False
        self.hanging = 0

    @property
    def lease(self) -> Any:
        """Return the Lease's spec, None when there is no Lease."""
        body = self.one(LEASES)
        return None if body is None else body["spec"]

    async def _arrive(self) -> None:
        if self.hangs:
            self.hanging += 1
            await asyncio.Event().wait()
        if self.away:
            raise KubernetesError("away")

    async def written_until(self, version: int) -> None:
        while self.version < version:  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    async def get(self, kind, namespace, name):
        await self._arrive()
        return await super().get(kind, namespace, name)

    async def create(self, kind, namespace, manifest, **options):
        await self._arrive()
        return await super().create(kind, namespace, manifest, **options)

    async def patch(self, kind, namespace, name, patch, **options):
        await self._arrive()
        return await super().patch(kind, namespace, name, patch, **options)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def candidate(server, identity, lost=None, clock=None, timing=FAST) -> LeaderLease:
    return LeaderLease(
        server,
        namespace="ns",
        name="controller",
        identity=identity,
        on_lost=(lambda: None) if lost is None else lost.set,
        timing=timing,
        **({} if clock is None else {"clock": clock}),
    )


async def test_the_first_candidate_creates_and_renews_the_lease():
    server = LeaseServer()
    first = candidate(server, "a")
    await first.acquire()
    assert first.held
    assert server.lease is not None
    assert server.lease["holderIdentity"] == "a"
    async with asyncio.timeout(2):
        await server.written_until(server.version + 2)
    assert server.lease["leaseTransitions"] == 0
    await first.release()
    assert not first.held


async def test_the_second_waits_until_the_first_releases():
    server = LeaseServer()
    first, second = candidate(server, "a"), candidate(server, "b")
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await first.release()
    async with asyncio.timeout(2):
        await waiting
    assert server.lease is not None
    assert (server.lease["holderIdentity"], server.lease["leaseTransitions"]) == ("b", 1)
    await second.release()


async def test_a_dead_holder_is_replaced_after_the_duration_by_our_own_clock():
    server, clock = LeaseServer(), Clock()
    spec: JsonObject = {
        "holderIdentity": "dead",
        "leaseDurationSeconds": 15,
        "renewTime": "1999-01-01T00:00:00.000000Z",  # A foreign clock says nothing
    }
    server.put(LEASES, {"metadata": {"namespace": "ns", "name": "controller"}, "spec": spec})
    second = candidate(server, "b", clock=clock)
    waiting = asyncio.create_task(second.acquire())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    clock.now = 14.9
    await asyncio.sleep(0.05)
    assert not waiting.done()
    clock.now = 15.1
    async with asyncio.timeout(2):
        await waiting
    await second.release()


@pytest.mark.parametrize("fault", ["away", "hangs"])
async def test_a_leader_that_cannot_renew_loses_in_time(fault):
    server, lost = LeaseServer(), asyncio.Event()
    leader = candidate(server, "a", lost)
    await leader.acquire()
    setattr(server, fault, True)
    started = asyncio.get_running_loop().time()
    async with asyncio.timeout(FAST.duration):
        await lost.wait()
    assert asyncio.get_running_loop().time() - started < FAST.duration
    assert not leader.held
    await leader.release()


async def test_a_short_fault_is_survived():
    server, lost = LeaseServer(), asyncio.Event()
    leader = candidate(server, "a", lost)
    await leader.acquire()
    server.away = True
    await asyncio.sleep(0.05)
    server.away = False
    version = server.version
    async with asyncio.timeout(2):
        await server.written_until(version + 1)
    assert leader.held
    assert not lost.is_set()
    await leader.release()


async def test_a_lease_taken_by_another_is_lost_at_once():
    server, lost = LeaseServer(), asyncio.Event()
    leader = candidate(
        server, "a", lost, timing=LeaseTiming(duration=60, renew_deadline=50, retry_period=0.01)
    )
    await leader.acquire()
    assert server.lease is not None
    server.change(LEASES, "ns", "controller", {"spec": {"holderIdentity": "b"}})
    async with asyncio.timeout(2):
        await lost.wait()
    await leader.release()
    assert server.lease["holderIdentity"] == "b"


def test_timing_without_a_margin_is_refused():
    with pytest.raises(ValueError, match="duration > renew deadline"):
        LeaseTiming(duration=10, renew_deadline=10)


async def test_a_leader_that_was_frozen_is_not_certain_any_more():
    server, clock = LeaseServer(), Clock()
    timing = LeaseTiming(duration=15, renew_deadline=10, retry_period=2)
    leader = candidate(server, "a", clock=clock, timing=timing)
    fresh = [leader.fresh]
    await leader.acquire()
    for clock.now in (0, 9.9):
        fresh.append(leader.fresh)
    clock.now = 10  # It has slept: nothing has noticed yet, and the Lease may be another's in five seconds
    fresh.append(leader.fresh)
    assert leader.held
    assert fresh == [False, True, True, False]
    await leader.release()


class FrozenLeader:
    """A leader that renews by itself, on a clock that the test moves."""

    def __init__(self) -> None:
        self.server, self.clock, self.lost = LeaseServer(), Clock(), asyncio.Event()
        timing = LeaseTiming(duration=30, renew_deadline=20, retry_period=0.01)
        self.lease = candidate(self.server, "a", self.lost, clock=self.clock, timing=timing)

    async def freeze(self) -> None:
        await self.lease.acquire()
        self.clock.now = 300.0  # No task runs between the acquire and this
        assert not self.lease.fresh

    async def fresh_or_lost(self) -> None:
        async with asyncio.timeout(2):
            while not (self.lease.fresh or self.lost.is_set()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)


async def test_a_leader_that_was_frozen_goes_on_when_nobody_has_taken_its_lease():
    leader = FrozenLeader()
    await leader.freeze()
    await leader.fresh_or_lost()
    assert (leader.lease.held, leader.lost.is_set()) == (True, False)
    assert leader.server.lease["leaseTransitions"] == 0
    await leader.lease.release()


@pytest.mark.parametrize("holder", ["b", None])
async def test_a_leader_that_was_frozen_is_lost_when_somebody_has_led_meanwhile(holder):
    """None: the other one has let go of the Lease since."""
    leader = FrozenLeader()
    await leader.lease.acquire()
    leader.server.change(
        LEASES, "ns", "controller", {"spec": {"holderIdentity": holder, "leaseTransitions": 1}}
    )
    leader.clock.now = 300.0
    await leader.fresh_or_lost()
    assert leader.lost.is_set()
    assert leader.server.lease.get("holderIdentity") == holder


async def test_a_leader_that_was_frozen_is_lost_when_its_lease_is_gone_or_not_to_be_read():
    for fault in ("gone", "away"):
        leader = FrozenLeader()
        await leader.freeze()
        if fault == "gone":
            await leader.server.delete(LEASES, "ns", "controller")
        else:
            leader.server.away = True
        await leader.fresh_or_lost()
        assert leader.lost.is_set(), fault
        assert fault == "away" or leader.server.lease is None


async def test_a_renewal_that_hangs_leaves_time_for_another():
    server, lost = LeaseServer(), asyncio.Event()
    leader = candidate(server, "a", lost, timing=LeaseTiming(duration=3, renew_deadline=1, retry_period=0.01))
    await leader.acquire()
    server.hangs = True
    while server.hanging == 0:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    server.hangs = False  # Only the one that hangs already has no answer: its connection is dead
    version = server.version
    async with asyncio.timeout(1):
        await server.written_until(version + 1)
    assert not lost.is_set()
    await leader.release()


def test_a_lease_for_which_somebody_waits_changes_hands_within_15_seconds():
    timing = LeaseTiming.of(10)
    # Its last renewal is seen one look late at most, and its end another.
    assert timing.duration + 2 * timing.retry_period < 15
    assert LeaseTiming.of(30) == LeaseTiming(give_up=20.0)


async def test_a_short_lease_is_no_reason_to_end_while_the_api_server_is_away():
    server, clock, lost = LeaseServer(), Clock(), asyncio.Event()
    timing = LeaseTiming(duration=10, renew_deadline=6, retry_period=0.01, give_up=20)
    leader = candidate(server, "a", lost, clock=clock, timing=timing)
    await leader.acquire()
    server.away = True
    for clock.now in (6.0, 12.0, 19.9):
        await asyncio.sleep(0.05)
        assert (leader.held, leader.fresh, lost.is_set()) == (True, False, False), (
            "it writes nothing, and lives"
        )
    server.away = False
    version = server.version
    async with asyncio.timeout(2):
        await server.written_until(version + 1)
    assert leader.fresh
    server.away = True
    clock.now += 20
    async with asyncio.timeout(2):
        await lost.wait()
    await leader.release()


async def test_a_short_lease_that_another_has_taken_is_lost_when_the_api_server_is_back():
    server, clock, lost = LeaseServer(), Clock(), asyncio.Event()
    timing = LeaseTiming(duration=10, renew_deadline=6, retry_period=0.01, give_up=20)
    leader = candidate(server, "a", lost, clock=clock, timing=timing)
    await leader.acquire()
    server.away = True
    clock.now = 12.0
    await asyncio.sleep(0.05)
    server.change(LEASES, "ns", "controller", {"spec": {"holderIdentity": "b", "leaseTransitions": 1}})
    server.away = False
    async with asyncio.timeout(2):
        await lost.wait()
    assert clock.now < timing.give_up
    assert server.lease["holderIdentity"] == "b"
    await leader.release()


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_leader_ends_when_etcd_was_restored_from_an_older_snapshot(is_there):
    """A watch goes on at a version that comes only after as many writes as are lost: nothing was seen until then."""
    server, lost = LeaseServer(), asyncio.Event()
    first = candidate(server, "a", lost)
    older, version = copy.deepcopy(server.objects), server.version
    await first.acquire()
    if is_there:
        older, version = copy.deepcopy(server.objects), server.version
    async with asyncio.timeout(2):
        await server.written_until(server.version + 5)
        server.objects, server.version = older, version
        await lost.wait()
    assert not first.held
    await first.release()
