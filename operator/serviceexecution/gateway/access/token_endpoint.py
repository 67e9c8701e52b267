"""The token endpoint: OAuth 2 client credentials (RFC 6749, section 4.4), as the platform's real clients use it.

The key's Secret and its ServiceAccount are in the user's namespace. This process may read that one Secret and mint
tokens of that one account because the key's own Role says so; it has no such right anywhere else.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from typing_extensions import override

from serviceexecution.gateway.access.addresses import address_of
from serviceexecution.gateway.access.callers import SERVICE_AUDIENCE
from serviceexecution.gateway.access.failures import FailureLimiter
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.settings import Settings
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SECRETS
from serviceexecution.resources.access_key import AccessKey, KeyId, access_key, digest_of

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
_LONGEST_BODY: Final = 16_384
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_OPEN_TOKEN: Final = "authentication-is-off"  # noqa: S105 - any token does


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client has given; the secret is in no representation."""

    key_id: str
    secret: str

    @override
    def __repr__(self) -> str:
        return f"Credentials({self.key_id!r})"


def token_router(client: GatewayKubernetes, settings: Settings, failures: FailureLimiter) -> APIRouter:
    """Return the route."""
    router = APIRouter(redirect_slashes=False)

    @router.post(TOKEN_PATH)
    async def token(request: Request) -> Response:
        form = _form(await _body(request))
        if form.get("grant_type") != "client_credentials":
            code = "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
            raise _refusal(HTTPStatus.BAD_REQUEST, code, "grant_type must be client_credentials.")
        if settings.auth_mode == "none":
            return _answer(_OPEN_TOKEN, settings.token_seconds)
        credentials = _credentials(request, form)
        keys = (address_of(request, settings.trusted_proxies), f"key {credentials.key_id[:200]}")
        try:
            failures.check(*keys)
        except Problem as problem:
            raise _refusal(
                problem.status, "temporarily_unavailable", problem.detail, problem.headers
            ) from None
        try:
            found = await _stored_key(client, credentials.key_id)
            key_id, key = found if found is not None else (None, None)
            if key is None:  # as long as with a wrong secret
                digest_of(credentials.secret, b"-" * 16)
            if (
                key is None
                or key_id is None
                or not key.matches(credentials.secret)
                or key.has_expired(datetime.now(UTC))
            ):
                failures.failed(*keys)
                raise _unknown()
            minted, expires = await client.create_token(
                key_id.namespace,
                key.service_account,
                audience=SERVICE_AUDIENCE,
                seconds=settings.token_seconds,
                bound_secret=(key_id.secret_name, key.secret_uid),
            )
        except KubernetesError as error:
            if error.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
                failures.failed(*keys)
                raise _unknown() from None
            raise _refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "The Kubernetes API cannot be used at the moment.",
                {"Retry-After": "2"},
            ) from None
        return _answer(minted, max(1, int((expires - datetime.now(UTC)).total_seconds())))

    return router


async def _stored_key(client: GatewayKubernetes, text: str) -> tuple[KeyId, AccessKey] | None:
    key_id = KeyId.parse(text)
    if key_id is None:
        return None
    try:
        secret = await client.get(SECRETS, key_id.namespace, key_id.secret_name)
    except KubernetesError as error:
        if error.status == HTTPStatus.FORBIDDEN:  # no Role, so no such key
            return None
        raise
    key = access_key(secret) if secret is not None else None
    return None if key is None else (key_id, key)


def _answer(token: str, seconds: int) -> Response:
    body = {"access_token": token, "token_type": "Bearer", "expires_in": seconds}
    return JSONResponse(body, headers=_NO_STORE)


async def _body(request: Request) -> str:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_BODY:
            raise _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "invalid_request", "The body is too large.")
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
        except binascii.Error:
            text = ""
        key_id, colon, secret = text.partition(":")
        if colon:
            return Credentials(key_id, secret)
    elif form.get("client_id"):
        return Credentials(form["client_id"], form.get("client_secret", ""))
    raise _refusal(
        HTTPStatus.UNAUTHORIZED,
        "invalid_client",
        "Send the access key's id and secret by HTTP Basic authentication.",
        {"WWW-Authenticate": 'Basic realm="access key"'},
    )


def _unknown() -> Problem:
    return _refusal(
        HTTPStatus.UNAUTHORIZED,
        "invalid_client",
        "There is no such access key, or its secret is another, or its time is over.",
        {"WWW-Authenticate": 'Basic realm="access key"'},
    )


def _refusal(
    status: HTTPStatus, error: str, detail: str, headers: Mapping[str, str] | None = None
) -> Problem:
    """Return a problem with the members of RFC 6749, section 5.2, which the clients look for."""
    return Problem(
        status,
        error,
        detail,
        members={"error": error, "error_description": detail},
        headers={**_NO_STORE, **(headers or {})},
    )
