"""All routes of the platform's API."""

from fastapi import APIRouter

from serviceexecution.gateway.data_pools.directory import PoolDirectory
from serviceexecution.gateway.data_pools.heads import PoolHeads
from serviceexecution.gateway.platform_api.applications.routes import application_router
from serviceexecution.gateway.platform_api.applications.subscriptions import subscription_router
from serviceexecution.gateway.platform_api.builds.routes import build_router
from serviceexecution.gateway.platform_api.context import PlatformContext
from serviceexecution.gateway.platform_api.data_pools.routes import data_pool_router
from serviceexecution.gateway.platform_api.description.routes import description_router
from serviceexecution.gateway.platform_api.executions.event_routes import event_router
from serviceexecution.gateway.platform_api.executions.list_routes import list_router
from serviceexecution.gateway.platform_api.executions.log_routes import log_router
from serviceexecution.gateway.platform_api.executions.read_routes import read_router
from serviceexecution.gateway.platform_api.executions.result_routes import result_router
from serviceexecution.gateway.platform_api.jobs.routes import job_router
from serviceexecution.gateway.platform_api.principal.routes import principal_router, rest_router
from serviceexecution.gateway.platform_api.service_lookup import ServiceLookup
from serviceexecution.gateway.platform_api.services.edit_routes import edit_router
from serviceexecution.gateway.platform_api.services.event_routes import service_event_router
from serviceexecution.gateway.platform_api.services.managed_routes import managed_router
from serviceexecution.gateway.platform_api.services.openapi_routes import openapi_router
from serviceexecution.gateway.platform_api.services.routes import service_router
from serviceexecution.gateway.platform_api.services.source_routes import source_router
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.executions.result_answers import ResultAnswers
from serviceexecution.gateway.service_api.submission.intake import Intake
from serviceexecution.gateway.sources.uploads import SourceUploads


def platform_api_router(
    services: ServiceContext,
    results: ResultAnswers,
    intake: Intake,
    directory: PoolDirectory,
    heads: PoolHeads,
    *,
    uploads: SourceUploads,
) -> APIRouter:
    """Return the routes below /platform; fixed names come before those that stand for an id."""
    context = PlatformContext(services, ServiceLookup(services.state, services.client))
    router = APIRouter(redirect_slashes=False)
    for part in (
        description_router(context),
        principal_router(context),
        event_router(context),
        list_router(context),
        read_router(context),
        result_router(context, results),
        log_router(context),
        job_router(context, intake),
        service_router(context),
        openapi_router(context),
        service_event_router(context),
        edit_router(context),
        managed_router(context),
        source_router(context, uploads),
        build_router(context),
        subscription_router(context),
        application_router(context),
        data_pool_router(context, directory, heads, heads.limits),
        rest_router(context),
    ):
        router.include_router(part)
    return router
