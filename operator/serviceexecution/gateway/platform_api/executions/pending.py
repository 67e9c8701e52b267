"""The answer to a call for what is not there yet."""

from http import HTTPStatus

from fastapi import Response


def not_yet() -> Response:
    """Return a 204, which the client turns into None, and which says when to ask again."""
    return Response(
        status_code=HTTPStatus.NO_CONTENT, headers={"Retry-After": "2", "Cache-Control": "no-store"}
    )
