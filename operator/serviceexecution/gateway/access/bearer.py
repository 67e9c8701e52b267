"""Bearer tokens of requests (RFC 6750)."""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from serviceexecution.gateway.http.problems import Problem

PROXIED_HEADER: Final = "X-ServiceExecution-Authorization"
"""Where people's tokens may also come: those who reach the gateway through the API server's service proxy have no other
place, since the API server removes Authorization once it has used it. Pods reach the gateway directly."""


def bearer_token(request: Request) -> str:
    """Return the request's bearer token; raises Problem 401."""
    return _token(request.headers.get("authorization", "")) or _missing()


def person_token(request: Request) -> str:
    """Return the bearer token from Authorization or, behind a proxy that uses that itself, from PROXIED_HEADER.

    Raises Problem 401, and 400 when both are given and differ: nobody would know who is calling.
    """
    usual = request.headers.get("authorization", "")
    proxied = request.headers.get(PROXIED_HEADER, "")
    if usual and proxied and _token(usual) != _token(proxied):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "TwoCredentials",
            f"Authorization and {PROXIED_HEADER} differ; send one of them.",
        )
    return _token(proxied or usual) or _missing()


def unauthorized(detail: str) -> Problem:
    """Return a 401."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "Unauthorized",
        detail,
        headers={"WWW-Authenticate": 'Bearer realm="gateway"'},
    )


def _token(header: str) -> str | None:
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _missing() -> str:
    raise unauthorized("A bearer token is needed.")
