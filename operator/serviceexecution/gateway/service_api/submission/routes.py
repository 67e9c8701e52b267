"""``POST /``: start an execution; ``POST …/rerun``: start one with the input of another."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.gateway.access.rights import RUN
from serviceexecution.gateway.http.problems import unavailable
from serviceexecution.gateway.http.traces import trace_of_new_execution
from serviceexecution.gateway.service_api.context import Call, ServiceContext
from serviceexecution.gateway.service_api.paths import BASE_PATHS, EXECUTION
from serviceexecution.gateway.service_api.submission.idempotency import HEADER, check_key
from serviceexecution.gateway.service_api.submission.intake import Asked, Intake, parsed
from serviceexecution.gateway.service_api.submission.rerun import key_of_rerun, rerun_of
from serviceexecution.gateway.service_api.submission.submitter import Submitted
from serviceexecution.gateway.state.parents import parent_of


def submit_router(context: ServiceContext, intake: Intake) -> APIRouter:
    """Return the routes."""
    router = APIRouter(redirect_slashes=False)

    async def submit(request: Request, namespace: str, service: str) -> Response:
        call = await context.service(
            request,
            namespace,
            service,
            verb=RUN.verb,
            resource=RUN.resource,
            subresource=RUN.subresource,
        )
        key = check_key(request.headers.get(HEADER))
        async with intake.body(request, namespace) as body:
            parent = await parent_of(context.state, request, namespace)
            trace = trace_of_new_execution(request)
            submitted = await intake.submit(call, Asked(body, key, parsed, parent=parent, traceparent=trace))
        return await _answer(request, context, call, submitted)

    @router.post(f"{EXECUTION}/rerun")
    async def rerun(request: Request, namespace: str, service: str, api_id: str) -> Response:
        found = await context.execution(request, namespace, service, api_id)
        call = await context.service(
            request, namespace, service, verb=RUN.verb, resource=RUN.resource, subresource=RUN.subresource
        )
        key = key_of_rerun(found.execution, check_key(request.headers.get(HEADER)))
        submitted = await rerun_of(context, intake, request, call, found.execution, key=key)
        return await _answer(request, context, call, submitted)

    for path in BASE_PATHS:
        router.add_api_route(path, submit, methods=["POST"])
    return router


async def _answer(request: Request, context: ServiceContext, call: Call, submitted: Submitted) -> Response:
    execution = context.state.note(submitted.execution)
    if execution is None:
        raise unavailable("TryAgain", "The execution cannot be read by this version of the gateway.")
    execution, headers = await context.waits.for_end(request, execution)
    return JSONResponse(
        await context.view(execution),
        HTTPStatus.CREATED if submitted.new else HTTPStatus.OK,
        headers={"Location": f"{call.base}/{context.state.id_of(execution)}", **headers},
    )
