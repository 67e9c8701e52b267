"""The token endpoint: OAuth 2 client credentials (RFC 6749, section 4.4), as the platform's real clients use it."""

import base64
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.gateway.access.access_keys import NO_STORE, AccessKeys, Credentials, token_refusal
from serviceexecution.gateway.access.addresses import address_of
from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.http.bodies.reading import whole_body
from serviceexecution.gateway.http.problems import Problem, problem_of
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.kube.errors import BudgetSpentError, KubernetesError

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
_LONGEST_BODY: Final = 16_384
_BODY_SECONDS: Final = 10.0
"""How long a form may take in all: it fits into one packet or a few."""
_OPEN_TOKEN: Final = "authentication-is-off"  # noqa: S105 - any token does


def token_router(settings: GatewaySettings, access: Access, keys: AccessKeys) -> APIRouter:
    """Return the route."""
    router = APIRouter(redirect_slashes=False)

    @router.post(TOKEN_PATH)
    async def token(request: Request) -> Response:
        form = _form(await _body(request))
        if form.get("grant_type") != "client_credentials":
            code = "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
            raise token_refusal(HTTPStatus.BAD_REQUEST, code, "grant_type must be client_credentials.")
        if settings.auth_mode == "none":
            return _answer(_OPEN_TOKEN, settings.token_seconds)
        credentials = _credentials(request, form)
        try:
            minted, expires = await keys.token(credentials, address_of(request, settings.trusted_proxies))
        except BudgetSpentError as error:
            busy = problem_of(error)
            raise token_refusal(busy.status, "temporarily_unavailable", busy.detail, busy.headers) from None
        except KubernetesError:
            raise token_refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "The Kubernetes API cannot be used at the moment.",
                {"Retry-After": "2"},
            ) from None
        access.expect(credentials.key_id, minted)
        return _answer(minted, max(1, int((expires - datetime.now(UTC)).total_seconds())))

    return router


def _answer(token: str, seconds: int) -> Response:
    body = {"access_token": token, "token_type": "Bearer", "expires_in": seconds}
    return JSONResponse(body, headers=NO_STORE)


async def _body(request: Request) -> str:
    """Return the body's text; raises Problem 400, 408 or 413."""
    refusal = token_refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "invalid_request", "The body is too large.")
    try:
        body = await whole_body(request, _BODY_SECONDS, _LONGEST_BODY, refusal, _BODY_SECONDS)
    except ClientDisconnect:
        raise token_refusal(HTTPStatus.BAD_REQUEST, "invalid_request", "The body is incomplete.") from None
    except Problem as problem:
        if problem is refusal:
            raise
        raise token_refusal(problem.status, "invalid_request", problem.detail) from None
    return body.decode("utf-8", "replace")


def _form(body: str) -> dict[str, str]:
    """Return the fields of a form, whatever its Content-Type says: some clients send none."""
    try:
        fields = parse_qs(body, max_num_fields=50)
    except ValueError:
        fields = {}
    return {name: values[0] for name, values in fields.items()}


def _credentials(request: Request, form: dict[str, str]) -> Credentials:
    """Return id and secret, from HTTP Basic (not percent-encoded, as the real clients send it) or from the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(encoded.strip(), validate=True).decode("latin-1")
        except ValueError:  # A binascii.Error is one, and so is what is no ASCII
            text = ""
        key_id, colon, secret = text.partition(":")
        if colon:
            return Credentials(key_id, secret)
    elif form.get("client_id"):
        return Credentials(form["client_id"], form.get("client_secret", ""))
    raise token_refusal(
        HTTPStatus.UNAUTHORIZED,
        "invalid_client",
        "Send the access key's id and secret with HTTP Basic authentication.",
        {"WWW-Authenticate": 'Basic realm="access key"'},
    )
