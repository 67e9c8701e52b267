"""All routes of the Service API."""

from fastapi import APIRouter

from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.description.routes import docs_router
from serviceexecution.gateway.service_api.executions.cancel_routes import cancel_router
from serviceexecution.gateway.service_api.executions.event_routes import event_router
from serviceexecution.gateway.service_api.executions.list_routes import list_router
from serviceexecution.gateway.service_api.executions.log_routes import log_router
from serviceexecution.gateway.service_api.executions.read_routes import read_router
from serviceexecution.gateway.service_api.executions.result_answers import ResultAnswers
from serviceexecution.gateway.service_api.executions.usage_routes import usage_router
from serviceexecution.gateway.service_api.submission.intake import Intake
from serviceexecution.gateway.service_api.submission.routes import submit_router


def service_router(context: ServiceContext, results: ResultAnswers, intake: Intake) -> APIRouter:
    """Return the routes below /services; the fixed names come before those that stand for an id."""
    router = APIRouter(redirect_slashes=False)
    for part in (
        docs_router(context),
        usage_router(context),
        submit_router(context, intake),
        cancel_router(context),
        log_router(context),
        event_router(context),
        list_router(context),
        read_router(context, results),
    ):
        router.include_router(part)
    return router
