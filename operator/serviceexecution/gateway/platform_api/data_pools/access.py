"""What every call about a data pool starts with: the caller's right, and the data pool."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from serviceexecution.gateway.access.callers import Caller
from serviceexecution.gateway.data_pools.directory import FoundPool, LabelledClaim, PoolDirectory
from serviceexecution.gateway.data_pools.heads import PoolHeads
from serviceexecution.gateway.data_pools.limits import PoolLimits
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.context import PlatformContext
from serviceexecution.gateway.platform_api.data_pools.documents import Permission
from serviceexecution.resources.names import POOL_PLURAL
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.store.pools.keys import PoolReference

FILES: Final = "files"
_PERMISSIONS: Final[tuple[tuple[str, Permission], ...]] = (("delete", "OWNER"), ("patch", "MAINTAINER"))
"""The right that makes each, the highest first; all others who may read are viewers."""


@dataclass(frozen=True, slots=True)
class DataPools:
    """What the routes of data pools work with."""

    platform: PlatformContext
    directory: PoolDirectory
    heads: PoolHeads
    limits: PoolLimits

    async def enter(self, request: Request, namespace: str, verb: str, subresource: str = "") -> Caller:
        """Authorise a call; raises Problem 401, 403, 404, KubernetesError."""
        return await self.platform.enter(
            request, namespace, verb=verb, resource=POOL_PLURAL, subresource=subresource
        )

    async def permission(self, caller: Caller, namespace: str) -> Permission:
        """Return what the caller may do with the data pools of the namespace; raises KubernetesError."""
        for verb, permission in _PERMISSIONS:
            if await self.platform.may(caller, namespace, verb=verb, resource=POOL_PLURAL):
                return permission
        return "VIEWER"

    async def own(self, namespace: str, pool_id: str) -> Pool:
        """Return the DataPool of that id; raises Problem 403 for a claim without one, 400, 404."""
        pool: FoundPool = await self.directory.find(namespace, pool_id)
        if isinstance(pool, LabelledClaim):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "NotSupported",
                f"This data pool is the claim {pool.name}, which this API does not change: use kubectl.",
            )
        return pool

    async def with_files(self, namespace: str, pool_id: str) -> tuple[Pool, PoolReference]:
        """Return the DataPool of that id; raises Problem 403 for a claim without one, 400, 404."""
        pool = await self.directory.find(namespace, pool_id)
        if isinstance(pool, LabelledClaim):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "DataPoolOnVolume",
                "This data pool is a claim by its label, whose files only programs reach: make a DataPool with "
                f"storage.claim.existing {pool.name}, and use its id.",
            )
        return pool, PoolReference(namespace, pool.metadata.uid)
