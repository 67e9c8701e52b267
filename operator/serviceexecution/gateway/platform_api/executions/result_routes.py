"""``GET …/results``: the result of an ended execution, and its files."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from serviceexecution.contract.json_types import JsonValue
from serviceexecution.contract.paths import MAIN_RESULT_FILE
from serviceexecution.gateway.http.answers.file_response import file_response
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.executions.pending import not_yet
from serviceexecution.gateway.platform_api.paths import EXECUTION
from serviceexecution.gateway.service_api.executions.result_answers import ResultAnswers
from serviceexecution.gateway.service_api.executions.result_lookup import Output, find_file

_ANY: Final = "**"
"""What the client sends for a file of the result, without a way to say which."""
_NAMED: Final = 100
"""Most files that a refusal names."""


def result_router(context: PlatformContext, results: ResultAnswers) -> APIRouter:
    """Return the routes."""
    router = platform_router()
    store = context.services.store

    @router.get(f"{EXECUTION}/results")
    async def get_result(request: Request, namespace: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, api_id, subresource="results")
        if not call.execution.has_ended:
            return not_yet()
        output = await results.output(call.execution)
        return await results.answer(output, call.view, call.url, result="results")

    @router.api_route(f"{EXECUTION}/results/{{path:anything}}", methods=["GET", "HEAD"])
    async def get_file(request: Request, namespace: str, api_id: str, path: str) -> Response:
        call = await context.execution(request, namespace, api_id, subresource="results")
        output = await results.output(call.execution)
        if path == _ANY:
            path = request.query_params.get("file") or _only_file(output)
        file, opener = find_file(store, output, path)
        return await file_response(file, request, opener)

    return router


def _only_file(output: Output) -> str:
    """Return the main result, or else the only file; raises Problem 404."""
    paths: list[JsonValue] = []
    for piece in output.paths():
        if MAIN_RESULT_FILE in piece:
            return MAIN_RESULT_FILE
        paths += piece[: _NAMED + 1 - len(paths)]
    if len(paths) == 1:
        return str(paths[0])
    raise Problem(
        HTTPStatus.NOT_FOUND,
        "FileNotFound",
        f"The result has no {MAIN_RESULT_FILE}: say which of its files with the parameter file."
        if paths
        else "The result has no files.",
        members={"files": paths[:_NAMED]},
    )
