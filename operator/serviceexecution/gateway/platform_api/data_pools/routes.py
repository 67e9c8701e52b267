"""All routes of data pools."""

from fastapi import APIRouter

from serviceexecution.gateway.data_pools.directory import PoolDirectory
from serviceexecution.gateway.data_pools.heads import PoolHeads
from serviceexecution.gateway.data_pools.limits import PoolLimits
from serviceexecution.gateway.data_pools.volumes.volume_calls import VolumeCalls
from serviceexecution.gateway.platform_api.context import PlatformContext
from serviceexecution.gateway.platform_api.data_pools.access import DataPools
from serviceexecution.gateway.platform_api.data_pools.file_routes import pool_file_router
from serviceexecution.gateway.platform_api.data_pools.grant_routes import pool_grant_router
from serviceexecution.gateway.platform_api.data_pools.pool_routes import pool_router
from serviceexecution.gateway.platform_api.data_pools.uploads import PoolUploads
from serviceexecution.gateway.platform_api.data_pools.volume_answers import VolumeAnswers


def data_pool_router(
    context: PlatformContext, directory: PoolDirectory, heads: PoolHeads, limits: PoolLimits
) -> APIRouter:
    """Return the routes."""
    services = context.services
    pools = DataPools(context, directory, heads, limits)
    uploads = PoolUploads(services.store, heads, limits, services.settings)
    calls = VolumeCalls(
        services.client,
        directory,
        services.store.pools,
        port=services.settings.volume_port,
        start_seconds=services.settings.volume_start_seconds,
    )
    router = APIRouter(redirect_slashes=False)
    router.include_router(pool_router(pools))
    router.include_router(pool_file_router(pools, uploads, VolumeAnswers(calls, uploads)))
    router.include_router(pool_grant_router(pools))
    return router
