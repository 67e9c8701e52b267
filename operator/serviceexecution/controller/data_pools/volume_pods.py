"""Starts, looks at and deletes the pods that serve the volumes of data pools."""

import contextlib
import hashlib
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject, text_at
from serviceexecution.contract.volume_pods import SECRET_BYTES
from serviceexecution.controller.clock import Clock
from serviceexecution.controller.data_pools.decide import Said
from serviceexecution.controller.data_pools.volume_job import volume_job, volume_job_name
from serviceexecution.controller.data_pools.volume_steps import (
    STARTING_SECONDS,
    WATCHED_SECONDS,
    SeenPod,
    Step,
    next_step,
    own_job,
    own_pod,
    said_of_wait,
    seen_pod,
)
from serviceexecution.controller.store_reads import StoreReads
from serviceexecution.controller.warnings import Warnings
from serviceexecution.controller.work.keys import PoolKey
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import DATA_POOLS, JOBS, PODS
from serviceexecution.resources.names import LABEL_POOL_UID
from serviceexecution.resources.pods.observed import JobView
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.resources.pools.pool_status import PoolAccess
from serviceexecution.store.errors import StoreError
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.pool_store import PoolStore

logger = structlog.stdlib.get_logger()

MOST_PODS: Final = 32
MOST_PODS_OF_NAMESPACE: Final = 2
_TURN_SECONDS: Final = 2.0
"""How often is looked for a place."""
_REFUSED_SECONDS: Final = 10.0
_NONCE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Reach:
    """How the files of a volume stand; ``said`` None when nobody wants them. ``look_again`` in seconds."""

    access: PoolAccess | None
    said: Said | None = None
    look_again: float | None = None


class VolumePods:
    """State owner of which data pools have such a pod."""

    def __init__(
        self,
        client: KubernetesClient,
        store: PoolStore,
        reads: StoreReads,
        defaults: PodDefaults,
        clock: Clock,
    ) -> None:
        self._client = client
        self._store = store
        self._reads = reads
        self._defaults = defaults
        self._clock = clock
        self._warnings = Warnings(client)
        self._held: set[PoolKey] = set()

    def note(self, pool: Pool) -> None:
        """Take note of whether a data pool has a pod."""
        access = pool.status.access
        key = _key(pool)
        if access is not None and access.job is not None:
            self._held.add(key)
        else:
            self._held.discard(key)

    def forget(self, key: PoolKey) -> None:
        """Forget a data pool that is gone; its Job goes with it."""
        self._held.discard(key)

    def forget_all(self, namespace: str | None) -> None:
        """Forget what was known before a list, which tells anew."""
        self._held = {key for key in self._held if namespace not in {None, key.namespace}}

    async def look(self, pool: Pool, claim: str) -> tuple[Pool, Reach]:
        """Do the next step, and return the data pool as it is then, and how its files stand.

        Raises KubernetesError, StoreError.
        """
        access = pool.status.access or PoolAccess()
        job, seen = await self._seen(pool, access)
        step = next_step(access, job, seen, self._clock())
        if step is Step.REST:
            return pool, Reach(pool.status.access)
        if step is Step.START:
            return await self._started(pool, claim)
        if step is Step.CLEAR:
            return pool, await self._cleared(pool, access)
        address = seen.address if step is Step.SERVE else None
        again = WATCHED_SECONDS if step is Step.SERVE else STARTING_SECONDS
        return pool, Reach(access.model_copy(update={"address": address}), seen.said, again)

    async def _seen(self, pool: Pool, access: PoolAccess) -> tuple[JobView | None, SeenPod]:
        if access.job is None:
            return None, SeenPod()
        namespace = pool.metadata.namespace
        try:
            job = own_job(pool, access, await self._client.get(JOBS, namespace, access.job))
            if job is None:
                return None, SeenPod()
            label = f"{LABEL_POOL_UID}={pool.metadata.uid}"
            found = own_pod(job, (await self._client.list(PODS, namespace, label_selector=label)).items)
        except ValidationError:
            return None, SeenPod()
        seen = SeenPod() if found is None else seen_pod(*found)
        if seen.address is not None or seen.said != SeenPod().said:
            return job, seen
        about = job.metadata if found is None else found[0].metadata
        warning = await self._warnings.newest(about, self._clock())
        if warning:
            reason = "PodRefused" if found is None else "StartFailed"
            seen = SeenPod(said=said_of_wait(reason, warning))
        return job, seen

    async def _started(self, pool: Pool, claim: str) -> tuple[Pool, Reach]:
        key, namespace = _key(pool), pool.metadata.namespace
        own = Counter(one.namespace for one in self._held)[namespace]
        if own >= MOST_PODS_OF_NAMESPACE or len(self._held) >= MOST_PODS:
            whose = "in this namespace" if own >= MOST_PODS_OF_NAMESPACE else "in this installation"
            said = Said(
                "Waiting",
                f"Pods serve as many other volumes {whose} as may be served at a time.",
                ready=False,
            )
            return pool, Reach(pool.status.access, said, _TURN_SECONDS)
        self._held.add(key)
        try:
            return await self._start(pool, claim)
        except KubernetesError as error:
            self._held.discard(key)
            if error.retriable:
                raise
            said = Said("PodRefused", f"No pod can be made that serves the volume: {error}", ready=False)
            return pool, Reach(pool.status.access, said, _REFUSED_SECONDS)
        except StoreError:
            self._held.discard(key)
            raise

    async def _start(self, pool: Pool, claim: str) -> tuple[Pool, Reach]:
        metadata = pool.metadata
        name = volume_job_name(pool, secrets.token_hex(_NONCE_BYTES))
        secret = secrets.token_bytes(SECRET_BYTES)
        reference = PoolReference(metadata.namespace, metadata.uid)
        await self._reads.ask(metadata.namespace, lambda: self._store.write_secret(reference, name, secret))
        digest = hashlib.sha256(secret).hexdigest()
        manifest = volume_job(pool, claim, name, digest, self._defaults)
        body = await self._client.create(JOBS, metadata.namespace, manifest)
        uid = text_at(body, "metadata", "uid")
        # Without a resource version: nobody else records a Job, and one that is not recorded would be nobody's
        patch: JsonObject = {
            "metadata": {"uid": metadata.uid},
            "status": {"access": {"job": name, "jobUid": uid, "address": None}},
        }
        try:
            changed = await self._client.patch(
                DATA_POOLS, metadata.namespace, metadata.name, patch, subresource="status"
            )
        except KubernetesError:
            await self._client.delete(JOBS, metadata.namespace, name, uid=uid)
            await self._forget_secret(reference, name)
            raise
        logger.info("a pod is to serve a volume", namespace=metadata.namespace, pool=metadata.name, job=name)
        recorded = pool if changed is None else Pool.model_validate(changed)
        return recorded, Reach(recorded.status.access, SeenPod().said, STARTING_SECONDS)

    async def _cleared(self, pool: Pool, access: PoolAccess) -> Reach:
        namespace = pool.metadata.namespace
        if access.job is not None and access.job_uid is not None:
            await self._client.delete(JOBS, namespace, access.job, uid=access.job_uid)
            await self._forget_secret(PoolReference(namespace, pool.metadata.uid), access.job)
        self._held.discard(_key(pool))
        logger.info("a volume is not served any more", namespace=namespace, pool=pool.metadata.name)
        return Reach(None)  # Whoever still wants them says so again

    async def _forget_secret(self, pool: PoolReference, job: str) -> None:
        with contextlib.suppress(StoreError):  # It opens nothing any more
            await self._reads.ask(pool.namespace, lambda: self._store.delete_secret(pool, job))


def _key(pool: Pool) -> PoolKey:
    return PoolKey(pool.metadata.namespace, pool.metadata.name)
