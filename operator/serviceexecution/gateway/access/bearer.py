"""What requests show to say who calls: bearer tokens (RFC 6750), and on the platform's API access keys."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from serviceexecution.gateway.http.problems import Problem
from serviceexecution.resources.access_key import KeyId

PROXIED_HEADER: Final = "X-ServiceExecution-Authorization"
"""Where people's tokens may also come: those who reach the gateway through the API server's service proxy have no other
place, since the API server removes Authorization once it has used it. Pods reach the gateway directly."""

PLATFORM_PATH: Final = "/platform/"
"""Below it the platform's API is served, whose clients send their credential in a header of its own."""
AUTH_TOKEN_HEADER: Final = "X-Auth-Token"  # noqa: S105 - a header
"""That header: a bearer token, or an access key as ``<id>:<secret>``, since these clients fetch no tokens."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person's request shows; the text is in no representation."""

    text: str = field(repr=False)
    key_id: str | None = None
    """The id of the access key that the text is, None when it is a bearer token."""

    @property
    def kept_as(self) -> str:
        """Return what it is remembered under: an access key is none where only tokens are taken."""
        return self.text if self.key_id is None else f"access key {self.text}"

    @property
    def secret(self) -> str:
        """Return the access key's secret."""
        return self.text.partition(":")[2]

    @property
    def refusal(self) -> Problem:
        """Return the 401 of one that is not good."""
        if self.key_id is None:
            return unauthorized("The token is not valid.")
        return unauthorized("There is no such access key, its secret is wrong, or it has expired.")


def shown_by(request: Request) -> Shown:
    """Return what a person's request shows; raises Problem 401, and 400 when it shows two that differ."""
    if not str(request.scope.get("path", "")).startswith(PLATFORM_PATH):
        return Shown(person_token(request))
    own = request.headers.get(AUTH_TOKEN_HEADER, "").strip()
    if not own:
        return Shown(person_token(request))
    for name in ("Authorization", PROXIED_HEADER):
        other = request.headers.get(name, "")
        if other and _token(other) != own:
            raise _two_credentials(name, AUTH_TOKEN_HEADER)
    key_id, colon, _ = own.partition(":")
    return Shown(own, key_id if colon and KeyId.parse(key_id) is not None else None)


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
        raise _two_credentials("Authorization", PROXIED_HEADER)
    return _token(proxied or usual) or _missing()


def unauthorized(detail: str) -> Problem:
    """Return a 401."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "Unauthorized",
        detail,
        headers={"WWW-Authenticate": 'Bearer realm="gateway"'},
    )


def _two_credentials(one: str, other: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "TwoCredentials", f"{one} and {other} differ; send one of them.")


def _token(header: str) -> str | None:
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _missing() -> str:
    raise unauthorized("A bearer token is needed.")
