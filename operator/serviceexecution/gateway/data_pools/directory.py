"""Finds data pools by id: DataPools by their uid, and claims by their label.

Objects are read when they are asked for, since what another gateway has just uploaded must be seen. Only which name
belongs to which uid is remembered, which never changes.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

import structlog
from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject, text_at
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.caches.single_flight import SingleFlight
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.kube.kinds import DATA_POOLS, PERSISTENT_VOLUME_CLAIMS
from serviceexecution.resources.executions.execution import ObjectMeta, is_uuid
from serviceexecution.resources.names import LABEL_DATA_POOL_ID
from serviceexecution.resources.pools.pool import Pool

logger = structlog.stdlib.get_logger()
_NAMES: Final = 10_000
MOST_LISTED: Final = 100_000
"""Most DataPools of a namespace that are found by their uid."""
LIST_SECONDS: Final = 1.0
"""How long after the beginning of a list of names the next one of the namespace begins: so rarely do ids cost one that
nobody has asked for before, of which one submission may name many."""
_LISTS: Final = 1000
_NAME_SECONDS: Final = 3600.0
_ABSENT_SECONDS: Final = 2.0
_LONGEST_LABEL: Final = 63


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """A claim that is a data pool by its label, without a DataPool."""

    id: str
    name: str
    created_at: datetime


FoundPool = Pool | LabelledClaim


@dataclass(frozen=True, slots=True)
class PoolPage:
    """Some DataPools of a list."""

    begun_again: bool
    """Whether the list begins anew with these: what came before is old."""
    pools: list[Pool]


class PoolDirectory:
    """State owner of the names that belong to uids."""

    def __init__(self, client: GatewayKubernetes) -> None:
        self._client = client
        self._names: ExpiringCache[tuple[str, str], str] = ExpiringCache(
            seconds=_NAME_SECONDS, capacity=_NAMES
        )
        self._absent: ExpiringCache[tuple[str, str], bool] = ExpiringCache(
            seconds=_ABSENT_SECONDS, capacity=_NAMES
        )
        self._lists: SingleFlight[str, dict[str, str]] = SingleFlight()
        self._begun: ExpiringCache[str, float] = ExpiringCache(seconds=_NAME_SECONDS, capacity=_LISTS)
        """When the newest list of a namespace's names began."""

    async def pages(self, namespace: str) -> AsyncIterator[PoolPage]:
        """Give all DataPools of the namespace by name, some at a time, so that nobody must hold them all.

        Raises KubernetesError.
        """
        async for page in self._client.list_pages(DATA_POOLS, namespace):
            found = [pool for body in page.items if (pool := self.note(body)) is not None]
            yield PoolPage(page.begun_again, found)

    async def sizes(self, namespace: str) -> dict[str, int]:
        """Return the bytes of each DataPool of the namespace by uid; raises KubernetesError."""
        found: dict[str, int] = {}
        async for page in self.pages(namespace):
            found |= {pool.metadata.uid: pool.status.bytes or 0 for pool in page.pools}
        return found

    async def claims(self, namespace: str, pool_id: str = "") -> list[LabelledClaim]:
        """Return all claims that are data pools, or those of an id, by name; raises KubernetesError."""
        selector = f"{LABEL_DATA_POOL_ID}={pool_id}" if pool_id else LABEL_DATA_POOL_ID
        found: dict[str, LabelledClaim] = {}
        async for page in self._client.list_pages(
            PERSISTENT_VOLUME_CLAIMS, namespace, label_selector=selector, metadata_only=True
        ):
            for body in page.items:
                try:
                    metadata = ObjectMeta.model_validate(body.get("metadata"))
                except ValidationError:
                    continue
                label = metadata.labels.get(LABEL_DATA_POOL_ID, "")
                if label and metadata.deletion_timestamp is None:
                    claim = LabelledClaim(label, metadata.name, metadata.creation_timestamp)
                    found[metadata.name] = claim
        return [found[name] for name in sorted(found)]

    async def find(self, namespace: str, pool_id: str) -> FoundPool:
        """Return the data pool of that id; raises Problem 400 when there are several, 404, and KubernetesError."""
        if not is_label_value(pool_id) or self._absent.get((namespace, pool_id)):
            raise no_pool(pool_id)
        pool = await self.pool(namespace, pool_id) if is_uuid(pool_id) else None
        claims = await self.claims(namespace, pool_id)
        if pool is None and not claims:
            self._absent.put((namespace, pool_id), True)
            raise no_pool(pool_id)
        if len(claims) + (pool is not None) > 1:
            raise _ambiguous(pool_id, claims)
        return pool if pool is not None else claims[0]

    async def pool(self, namespace: str, uid: str) -> Pool | None:
        """Return the DataPool of that uid as it is now, None when there is none; raises KubernetesError."""
        return (await self.pools(namespace, [uid])).get(uid)

    async def pools(self, namespace: str, uids: Sequence[str]) -> dict[str, Pool]:
        """Return those that there are of some DataPools by uid, as they are now; raises KubernetesError."""
        names = {uid: self._names.get((namespace, uid)) for uid in uids}
        unknown = [uid for uid, name in names.items() if name is None]
        if unknown:
            names |= await self._listed(namespace, unknown)
        found: dict[str, Pool] = {}
        for uid, name in names.items():
            body = None if name is None else await self._client.get(DATA_POOLS, namespace, name)
            pool = self.note(body)
            if pool is not None and pool.metadata.uid == uid:
                found[uid] = pool
        return found

    async def _listed(self, namespace: str, uids: Sequence[str]) -> dict[str, str | None]:
        """Return the names of uids from a list that has begun since now, or an earlier one that has them all."""
        asked = asyncio.get_running_loop().time()
        while True:
            names = await self._lists.ask(namespace, lambda: self._listed_names(namespace))
            if (self._begun.get(namespace) or asked) >= asked or all(uid in names for uid in uids):
                return {uid: names.get(uid) for uid in uids}
            await asyncio.sleep(0)  # An answer of before is forgotten after this step

    async def _listed_names(self, namespace: str) -> dict[str, str]:
        """Return the names of all DataPools of the namespace by uid, not too soon after the last time."""
        clock = asyncio.get_running_loop().time
        begun = self._begun.get(namespace)
        if begun is not None:
            await asyncio.sleep(begun + LIST_SECONDS - clock())
        self._begun.put(namespace, clock())
        names: dict[str, str] = {}
        async for page in self._client.list_pages(DATA_POOLS, namespace, metadata_only=True):
            for body in page.items:
                if len(names) < MOST_LISTED:
                    names[text_at(body, "metadata", "uid")] = text_at(body, "metadata", "name")
        return names

    def note(self, body: JsonObject | None) -> Pool | None:
        """Return the DataPool of an object, and remember its name; None for what is none that this version can read."""
        if body is None:
            return None
        try:
            pool = Pool.model_validate(body)
        except ValidationError as error:
            name = text_at(body, "metadata", "name")
            logger.warning("DataPool cannot be read", pool=name, errors=error.error_count())
            return None
        if pool.metadata.deletion_timestamp is not None:
            return None
        key = (pool.metadata.namespace, pool.metadata.uid)
        self._names.put(key, pool.metadata.name)
        self._absent.drop(key)
        return pool


def is_label_value(text: str) -> bool:
    """Tell whether the text can be a label's value, which all ids of data pools are."""
    plain = text.replace("-", "").replace("_", "").replace(".", "")
    return (
        0 < len(text) <= _LONGEST_LABEL
        and text.isascii()
        and plain.isalnum()
        and text[0].isalnum()
        and text[-1].isalnum()
    )


def no_pool(pool_id: str) -> Problem:
    """Return the 404."""
    return Problem(HTTPStatus.NOT_FOUND, "DataPoolNotFound", f"There is no data pool {pool_id[:63]} here.")


def _ambiguous(pool_id: str, claims: list[LabelledClaim]) -> Problem:
    names = ", ".join(claim.name for claim in claims[:5])
    return Problem(
        HTTPStatus.BAD_REQUEST,
        "DataPoolAmbiguous",
        f"Several data pools have the id {pool_id[:63]}: give the claims {names} other labels {LABEL_DATA_POOL_ID}.",
    )
