"""Problems as the platform's clients need them: with statuses that they know, and pauses that they can bear."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from typing_extensions import override

from serviceexecution.gateway.http.problems import Problem, problem_of
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.store.errors import StoreError

_TYPED: Final = {
    HTTPStatus.UNPROCESSABLE_ENTITY: HTTPStatus.BAD_REQUEST,
    # They would send it twice more, and hundreds of megabytes each time
    HTTPStatus.CONFLICT: HTTPStatus.BAD_REQUEST,
    HTTPStatus.INSUFFICIENT_STORAGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
"""Statuses of the Service API that no call of these clients has an error for."""
LONGEST_PAUSE: Final = 5
"""Most seconds of ``Retry-After``: the clients sleep for as long as it says, before their caller hears of it."""


class ProblemRoute(APIRoute):
    """A route whose problems are adapted."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except (Problem, KubernetesError, StoreError) as error:
                raise adapted(problem_of(error)) from None

        return answer


def adapted(problem: Problem) -> Problem:
    """Return the problem with a status and a pause for these clients."""
    headers = dict(problem.headers)
    pause = headers.get("Retry-After", "")
    if pause.isascii() and pause.isdecimal() and int(pause) > LONGEST_PAUSE:
        headers["Retry-After"] = str(LONGEST_PAUSE)
    status = _TYPED.get(problem.status, problem.status)
    return Problem(status, problem.code, problem.detail, members=problem.members, headers=headers)
