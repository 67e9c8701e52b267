"""``service-jobs``: made, looked at, listed, run again."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.contract.input.submission import input_text
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.fairness.turns import FairTurns
from serviceexecution.gateway.access.rights import RUN
from serviceexecution.gateway.http.answers.deferred_response import DeferredResponse
from serviceexecution.gateway.http.payers import caller_payer
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.http.traces import trace_of_new_execution
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.executions.pages import page_document, page_of
from serviceexecution.gateway.platform_api.executions.query import wanted_of
from serviceexecution.gateway.platform_api.jobs.job_body import job_body, job_submission
from serviceexecution.gateway.platform_api.paths import SERVICE_JOB, SERVICE_JOBS
from serviceexecution.gateway.service_api.context import ExecutionCall
from serviceexecution.gateway.service_api.submission.beside import beside
from serviceexecution.gateway.service_api.submission.idempotency import HEADER, check_key
from serviceexecution.gateway.service_api.submission.intake import Asked, Intake
from serviceexecution.gateway.service_api.submission.kept_input import kept_input
from serviceexecution.gateway.service_api.submission.nested_input import BODY_LIMIT
from serviceexecution.gateway.service_api.submission.rerun import key_of_rerun, rerun_of
from serviceexecution.gateway.service_api.submission.submitter import Submitted
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.parents import parent_of
from serviceexecution.resources.names import JOB_NOT_STORED, JOB_STORED

_NO_CACHE = {"Cache-Control": "no-cache"}
STORED_AT_ONCE: Final = 8
STORED_OF_NAMESPACE: Final = 4
"""Answers with a stored input, from the moment that it is read until the client has it: some MB each."""
_WAIT_SECONDS: Final = 20.0
_SEND_SECONDS: Final = 60.0


def job_router(context: PlatformContext, intake: Intake) -> APIRouter:
    """Return the routes."""
    router = platform_router()
    services = context.services
    stored = FairTurns(STORED_AT_ONCE, per_key=STORED_OF_NAMESPACE)

    @router.get(SERVICE_JOBS)
    async def list_jobs(request: Request, namespace: str) -> Response:
        """The input of each is left out: it is as large as all of them together."""
        await context.enter(request, namespace, verb="list")
        wanted = wanted_of(request.query_params)
        known = [one for one in await services.state.executions(namespace, None) if one.job is not None]
        page = await page_of(services.state, namespace, known, wanted)
        return JSONResponse(await page_document(page, wanted, context.view), headers=_NO_CACHE)

    @router.post(SERVICE_JOBS)
    async def create_job(request: Request, namespace: str) -> Response:
        caller = await context.known_caller(request, namespace)
        key = check_key(request.headers.get(HEADER))
        everywhere = await context.may_run_all(caller, namespace)
        payer = namespace if everywhere else caller_payer(caller.username).name
        async with intake.body(request, payer, limit=BODY_LIMIT, apart=not everywhere) as body:
            job = await beside(payer, len(body), job_body, body)
            call = await context.service(
                request,
                caller,
                namespace,
                job.service_id,
                verb=RUN.verb,
                subresource=RUN.subresource,
            )
            asked = Asked(
                body,
                _key("job", key),
                lambda _: job_submission(job),
                JOB_STORED if job.store_input else JOB_NOT_STORED,
                parent=await parent_of(services.state, request, namespace),
                traceparent=trace_of_new_execution(request),
            )
            if not everywhere:
                await intake.pay(namespace, len(body))
            submitted = await intake.submit(call, asked)
        return await _answer(request, submitted)

    @router.get(SERVICE_JOB)
    async def get_job(request: Request, namespace: str, api_id: str) -> Response:
        call = await _job(context, request, namespace, api_id)
        waited = await services.waits.for_change(request, call.execution)
        if waited.held:
            call = await _job(context, request, namespace, api_id)
        return _answered(
            call.execution,
            call.view,
            lambda view: services.waits.answer(request, call.execution, view, waited),
        )

    @router.post(f"{SERVICE_JOB}/rerun")
    async def rerun(request: Request, namespace: str, api_id: str) -> Response:
        found = await context.execution(request, namespace, api_id)
        key = check_key(request.headers.get(HEADER))
        call = await context.service_of(
            request, found.caller, found.execution, verb=RUN.verb, subresource=RUN.subresource
        )
        key = key_of_rerun(found.execution, key)
        submitted = await rerun_of(services, intake, request, call, found.execution, key=key, job=JOB_STORED)
        return await _answer(request, submitted)

    async def _answer(request: Request, submitted: Submitted) -> Response:
        execution = services.state.note(submitted.execution)
        if execution is None:
            raise unavailable("TryAgain", "The execution cannot be read by this version of the gateway.")
        execution, headers = await services.waits.for_end(request, execution)
        status = HTTPStatus.CREATED if submitted.new else HTTPStatus.OK
        return _answered(
            execution,
            await context.view(execution),
            lambda view: JSONResponse(view, status, headers=headers),
        )

    def _answered(
        execution: KnownExecution, view: JsonObject, answer: Callable[[JsonObject], Response]
    ) -> Response:
        """Return the answer with a job; with its input, when it is stored, in turns by namespace."""
        if execution.job != JOB_STORED:
            return answer(view)

        async def with_input() -> Response:
            kept = await kept_input(services.client, execution)
            return answer({**view, "input": input_text(kept.properties)})

        return DeferredResponse(
            stored, execution.namespace, with_input, wait_seconds=_WAIT_SECONDS, seconds=_SEND_SECONDS
        )

    return router


async def _job(context: PlatformContext, request: Request, namespace: str, api_id: str) -> ExecutionCall:
    call = await context.execution(request, namespace, api_id)
    if call.execution.job is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "JobNotFound",
            f"The execution {call.api_id} is no job; read it under service-executions.",
        )
    return call


def _key(what: str, key: str | None) -> str | None:
    """Return a key that is another one than the same text for another kind of request."""
    return None if key is None else f"{what}\0{key}"
