"""Leader election on a coordination.k8s.io Lease.

Own code rather than ``kubernetes.aio.leaderelection``: that one stamps local time as UTC, dies of a broken
connection, cannot give up in time while a request hangs (300 s), and never hands the Lease over on exit.
The rules are those of client-go: a holder counts as dead when its record has not changed for the Lease's
duration *on our own clock*, and every write carries the resource version that was read.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from serviceexecution.contract.json_types import JsonObject, JsonValue, metadata_of, object_at
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import AlreadyExistsError, ConflictError, HistoryError, KubernetesError
from serviceexecution.kube.kinds import LEASES
from serviceexecution.kube.versions import version_of

logger = structlog.stdlib.get_logger()

MICRO_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """All in seconds. A leader writes nothing after ``renew_deadline``, well before others may take over.

    Twice what client-go has by default: a start reads everything anew, which a busy machine or API server makes slower
    still. A dead leader is replaced that much later.
    """

    duration: int = 30
    renew_deadline: float = 20.0
    retry_period: float = 2.0
    give_up: float = 0.0
    """After so long a leader ends that can neither renew its Lease nor learn who has it; at the earliest when its
    renewal is due."""

    def __post_init__(self) -> None:
        """Refuse timings under which two leaders could overlap."""
        if not self.duration > self.renew_deadline > self.retry_period > 0:
            message = "a Lease needs duration > renew deadline > retry period > 0"
            raise ValueError(message)

    @classmethod
    def of(cls, duration: int) -> "LeaseTiming":
        """Return the timing of a Lease of so many seconds.

        Who waits for it has it at most ``duration`` and a third of that after the last renewal. A short one is no
        reason to start anew when the API server is away for a moment: its holder writes nothing meanwhile.
        """
        default = cls()
        part = duration / default.duration
        deadline = default.renew_deadline
        return cls(duration, deadline * part, min(default.retry_period, duration / 6), give_up=deadline)

    @property
    def one_try(self) -> float:
        """How long one renewal may take: a connection that hangs leaves time for a second one."""
        return self.renew_deadline / 2

    @property
    def one_question(self) -> float:
        """How long it may take to learn whether a Lease that was not renewed in time is still the leader's."""
        return max(self.renew_deadline, self.give_up) / 2


@dataclass(frozen=True, slots=True)
class _Observed:
    record: tuple[JsonValue, ...]
    at: float


def _awake_or_not() -> float:
    """Return seconds that also go on while the machine is suspended, where it has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class LeaderLease:
    """One candidate for one Lease.

    Give it a client of its own: the rate limit of a busy one would delay the renewals. Needs the verbs get,
    create and patch on leases.
    """

    def __init__(
        self,
        client: KubernetesClient,
        *,
        namespace: str,
        name: str,
        identity: str,
        on_lost: Callable[[], None],
        timing: LeaseTiming = LeaseTiming(),
        clock: Callable[[], float] = _awake_or_not,
    ) -> None:
        """``on_lost`` is called once when a held Lease cannot be renewed, or when the API server has an older state
        than before: stop writing, best by exiting.
        """
        self._logger = logger.bind(namespace=namespace, lease=name)
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._on_lost = on_lost
        self._timing = timing
        self._clock = clock
        self._observed: _Observed | None = None
        self._renewed_at = 0.0
        self._held = False
        self._newest = 0
        """The highest resource version of the Lease since it is held."""
        self._renewing: asyncio.Task[None] | None = None

    @property
    def held(self) -> bool:
        """Whether this candidate is the leader."""
        return self._held

    @property
    def fresh(self) -> bool:
        """Whether it certainly is: a process that was frozen may be the leader no more, and not know it yet."""
        return self._held and self._clock() < self._renewed_at + self._timing.renew_deadline

    async def acquire(self) -> None:
        """Wait until this candidate is the leader, and go on renewing in the background."""
        while not await self._attempt(self._timing.renew_deadline):  # noqa: ASYNC110 (polls the API server)
            await asyncio.sleep(self._timing.retry_period)
        self._logger.info("the Lease is held", identity=self._identity)
        self._held = True
        self._renewing = asyncio.create_task(self._renew(), name="lease-renewal")

    async def release(self) -> None:
        """Stop renewing and let the next candidate in at once. Best effort, never raises KubernetesError."""
        if self._renewing is not None:
            self._renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewing
            self._renewing = None
        if not self._held:
            return
        self._held = False
        try:
            async with asyncio.timeout(self._timing.retry_period):
                lease = await self._client.get(LEASES, self._namespace, self._name)
                if lease is not None and object_at(lease, "spec").get("holderIdentity") == self._identity:
                    await self._write(lease, {"holderIdentity": None, "leaseDurationSeconds": 1})
        except (KubernetesError, TimeoutError) as error:
            self._logger.warning("the Lease is not released", error=str(error) or "no answer in time")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._timing.retry_period)
            try:
                if await self._renewed():
                    continue
                self._logger.error("the Lease is lost")
            except HistoryError as error:
                self._logger.error("everything is read anew", why=str(error))  # noqa: TRY400 - foreseen
            self._held = False
            self._on_lost()
            return

    async def _renewed(self) -> bool:
        """Tell whether the Lease is still ours, or may be asked for again in a moment.

        A process that did not run for a while finds its Lease too old, and writes nothing any more. One question is
        left: when nobody has taken the Lease meanwhile, nobody has led, and everything that is known here still holds.
        """
        left = self._renewed_at + self._timing.renew_deadline - self._clock()
        if left > 0:
            return await self._attempt(within=min(left, self._timing.one_try)) or self._holder_is_self()
        self._logger.warning("the Lease was not renewed in time", seconds=round(-left, 1))
        if await self._attempt(within=self._timing.one_question, only_ours=True):
            return True
        return self._holder_is_self() and self._clock() < self._renewed_at + self._timing.give_up

    def _holder_is_self(self) -> bool:
        """Tell whether a failed renewal may be tried again: nobody else was seen to hold the Lease."""
        return self._observed is None or self._observed.record[0] == self._identity

    async def _attempt(self, within: float, *, only_ours: bool = False) -> bool:
        """Create, take over or renew the Lease; False when another one holds it or the API server is away.

        With ``only_ours`` it is renewed when nobody has had it meanwhile, and nothing else.
        """
        started = self._clock()  # the Lease is ours from before the request, not from the answer
        try:
            async with asyncio.timeout(within):
                done = await self._try(only_ours)
        except (KubernetesError, TimeoutError) as error:
            self._logger.warning("an attempt at the Lease failed", error=str(error) or "no answer in time")
            return False
        if done:
            self._renewed_at = started
        return done

    async def _try(self, only_ours: bool) -> bool:
        lease = await self._client.get(LEASES, self._namespace, self._name)
        now = datetime.now(UTC).strftime(MICRO_TIME)
        ours: JsonObject = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._timing.duration,
            "renewTime": now,
        }
        if lease is None:
            return not only_ours and await self._create({**ours, "acquireTime": now, "leaseTransitions": 0})
        self._note(lease)
        spec = object_at(lease, "spec")
        holder = spec.get("holderIdentity")
        record = (holder, spec.get("renewTime"), spec.get("leaseTransitions"))
        if self._observed is None or self._observed.record != record:
            self._observed = _Observed(record, self._clock())
        if holder == self._identity:
            return await self._write(lease, ours)
        if only_ours:
            return False
        duration = spec.get("leaseDurationSeconds")
        patience = duration if isinstance(duration, int) else self._timing.duration
        if holder and self._clock() < self._observed.at + patience:
            return False
        transitions = spec.get("leaseTransitions")
        taken = (transitions if isinstance(transitions, int) else 0) + 1
        return await self._write(lease, {**ours, "acquireTime": now, "leaseTransitions": taken})

    async def _create(self, spec: JsonObject) -> bool:
        manifest: JsonObject = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": spec,
        }
        try:
            await self._client.create(LEASES, self._namespace, manifest)
        except AlreadyExistsError:
            return False
        return True

    async def _write(self, lease: JsonObject, spec: JsonObject) -> bool:
        version = metadata_of(lease).get("resourceVersion")
        patch: JsonObject = {"metadata": {"resourceVersion": version}, "spec": spec}
        try:
            written = await self._client.patch(LEASES, self._namespace, self._name, patch)
        except ConflictError:
            return False
        if written is not None:
            self._note(written)
        return written is not None

    def _note(self, lease: JsonObject) -> None:
        """Take the Lease as it was read or written. Raises HistoryError when it was newer once: what watches wait for
        then comes only after as many writes as are lost.
        """
        version = version_of(lease)
        if self._held and version < self._newest:
            raise HistoryError(LEASES.plural, self._newest, version)
        self._newest = version
