"""Calls the pods that serve volumes: one is wanted, waited for, and connected to."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.contract.volume_pods import RENEW_SECONDS
from serviceexecution.fairness.turns import FairTurns, NoTurnError
from serviceexecution.gateway.data_pools.directory import PoolDirectory, no_pool
from serviceexecution.gateway.data_pools.volumes.channel import PodAwayError, VolumeChannel
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.kube.errors import ConflictError
from serviceexecution.kube.kinds import DATA_POOLS
from serviceexecution.resources.names import CONDITION_FILES_REACHABLE
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.pool_store import PoolStore

CALLS: Final = 32
"""Calls to such pods at the same time, waits for their start included."""
CALLS_OF_NAMESPACE: Final = 4
_TURN_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.5
_AGAIN: Final = {"Retry-After": "5"}
_STARTING: Final = "The pod that serves the volume is being started."


class VolumeCalls:
    """State owner of the calls that are under way. Methods raise Problem, StoreError, KubernetesError."""

    def __init__(
        self,
        client: GatewayKubernetes,
        directory: PoolDirectory,
        store: PoolStore,
        *,
        port: int,
        start_seconds: float,
    ) -> None:
        """``start_seconds`` is how long a call waits for its pod."""
        self._client = client
        self._directory = directory
        self._store = store
        self._port = port
        self._start_seconds = start_seconds
        self._turns = FairTurns(CALLS, per_key=CALLS_OF_NAMESPACE)

    @contextlib.asynccontextmanager
    async def call(self, pool: Pool) -> AsyncGenerator[VolumeChannel, None]:
        """Give a connection to the pod of the data pool, for one call."""
        try:
            async with self._turns.turn(pool.metadata.namespace, wait=_TURN_SECONDS):
                channel = await self._connected(pool)
                try:
                    yield channel
                finally:
                    channel.close()
        except NoTurnError:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Busy",
                "Too many calls for files on volumes at once; try again.",
                headers=_AGAIN,
            ) from None

    async def _connected(self, pool: Pool) -> VolumeChannel:
        """Return a connection to the data pool's pod, which is started for it if need be."""
        clock = asyncio.get_running_loop().time
        until = clock() + self._start_seconds
        while True:
            channel = await self._channel(pool)
            if channel is not None:
                return channel
            await self._wish(pool)
            if clock() >= until:
                raise _not_yet(pool)
            await asyncio.sleep(_LOOK_SECONDS)
            now = await self._directory.pool(pool.metadata.namespace, pool.metadata.uid)
            if now is None:
                raise no_pool(pool.metadata.uid)
            pool = now

    async def _channel(self, pool: Pool) -> VolumeChannel | None:
        access = pool.status.access
        if access is None or access.job is None or access.address is None:
            return None
        reference = PoolReference(pool.metadata.namespace, pool.metadata.uid)
        secret = await self._store.read_secret(reference, access.job)
        if secret is None:
            return None
        try:
            return await VolumeChannel.open(access.address, self._port, secret)
        except PodAwayError:
            return None

    async def _wish(self, pool: Pool) -> None:
        """Write that somebody wants the files, unless that has just been written."""
        now = datetime.now(UTC)
        access, metadata = pool.status.access, pool.metadata
        wanted = None if access is None else access.wanted_at
        if wanted is not None and abs((now - wanted).total_seconds()) < RENEW_SECONDS:
            return
        patch: JsonObject = {
            "metadata": {"resourceVersion": metadata.resource_version},
            "status": {"access": {"wantedAt": now.strftime("%Y-%m-%dT%H:%M:%SZ")}},
        }
        with contextlib.suppress(ConflictError):  # It is looked at again
            await self._client.patch(
                DATA_POOLS, metadata.namespace, metadata.name, patch, subresource="status"
            )


def _not_yet(pool: Pool) -> Problem:
    """Return the 503 that says what the pod waits for."""
    found = [one for one in pool.status.conditions if one.type == CONDITION_FILES_REACHABLE]
    said = next((one for one in found if one.status == "False"), None)
    code = "VolumeInUse" if said is not None and said.reason == "VolumeInUse" else "VolumeNotReachable"
    detail = _STARTING if said is None or not said.message else said.message
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, code, f"The files are not reachable yet: {detail}", headers=_AGAIN
    )
