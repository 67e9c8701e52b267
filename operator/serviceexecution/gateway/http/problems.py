"""Errors as RFC 9457 problem details."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.http.methods import methods_at
from serviceexecution.kube.answers import encode_json
from serviceexecution.kube.errors import BudgetSpentError, KubernetesError
from serviceexecution.store.errors import InvalidOutputPathError, StoreError, StoreFullError

logger = structlog.stdlib.get_logger()
_RETRY_AFTER: Final = {"Retry-After": "2"}


class Problem(Exception):  # noqa: N818 - the name that RFC 9457 gives it
    """An answer that is an error. ``code`` is for programs, ``detail`` one sentence for people."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        members: JsonObject | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.members = members or {}
        self.headers = headers or {}

    def copy(self) -> "Problem":
        """Return the same answer to be raised once more: an exception collects every place that it came through."""
        return Problem(self.status, self.code, self.detail, members=self.members, headers=self.headers)


def unavailable(code: str, detail: str) -> Problem:
    """Return a 503 that says when to come back."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, code, detail, headers=_RETRY_AFTER)


def response_of(problem: Problem) -> Response:
    """Return the problem as an application/problem+json response, whatever it repeats of its request."""
    body: JsonObject = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "code": problem.code,
        **problem.members,
    }
    headers = {"Cache-Control": "no-store", **problem.headers}  # A 404 without it may be kept for long
    return Response(
        encode_json(body), problem.status.value, headers=headers, media_type="application/problem+json"
    )


def install(app: FastAPI) -> None:
    """Make every error of the app a problem."""

    async def on_problem(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return other_method(request)
        return response_of(problem_of(error))

    for kind in (
        Problem,
        HTTPException,
        RequestValidationError,
        KubernetesError,
        StoreError,
        InvalidOutputPathError,
        Exception,
    ):
        app.add_exception_handler(kind, on_problem)


def other_method(request: Request) -> Response:
    """Return the answer to OPTIONS, or the 405; the router's own names only one route's methods.

    404 where only a route is that refuses everything.
    """
    allowed = ", ".join(methods_at(request.app.routes, request.scope))
    if not allowed:
        return response_of(problem_of(HTTPException(HTTPStatus.NOT_FOUND)))
    if request.method == "OPTIONS":
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": f"{allowed}, OPTIONS"})
    return response_of(
        Problem(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            f"{request.method[:20]} is not possible here; use {allowed}.",
            headers={"Allow": allowed},
        )
    )


def problem_of(error: Exception) -> Problem:
    """Return the problem that an exception stands for; what is nobody's fault but ours is 500."""
    match error:
        case Problem():
            return error
        case HTTPException(status_code=HTTPStatus.NOT_FOUND):
            return Problem(
                HTTPStatus.NOT_FOUND,
                "NotFound",
                "There is nothing at this path; /docs shows the paths that there are.",
            )
        case HTTPException():
            status = HTTPStatus(error.status_code)
            return Problem(
                status, status.phrase.replace(" ", ""), str(error.detail), headers=error.headers or {}
            )
        case RequestValidationError():
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return Problem(HTTPStatus.BAD_REQUEST, "BadRequest", f"{where}: {first['msg']}")
        case InvalidOutputPathError():
            return Problem(HTTPStatus.BAD_REQUEST, "InvalidPath", f"Not a path of an output file: {error}.")
        case StoreFullError():
            logger.error("store full", error=str(error))
            return Problem(HTTPStatus.INSUFFICIENT_STORAGE, "StoreFull", "The results store is full.")
        case StoreError():
            logger.warning("store error", error=str(error))
            return unavailable("StoreUnavailable", "The results store cannot be used at the moment.")
        case BudgetSpentError():
            return Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "TooManyRequests",
                "Too many of your requests wait for the Kubernetes API; send fewer at once, and try again.",
                headers={"Retry-After": str(math.ceil(error.retry_after or 1.0))},
            )
        case KubernetesError():
            logger.warning("kubernetes error", error=str(error), status=error.status)
            return unavailable("KubernetesUnavailable", "The Kubernetes API cannot be used at the moment.")
        case _:
            return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "The gateway made an error.")
