"""Tokens of the console's identity provider: only the API server judges them, and what it refuses opens nothing.

`tests/tooling/test_open_id_connect.py` asks a real API server about the same tokens.
"""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from serviceexecution.gateway.access.tokens import SERVICE_AUDIENCE, audiences, token_claims
from serviceexecution.gateway.identity_provider import IdentityProvider as Provider
from serviceexecution.kube.client import TokenIdentity
from tests.support.identity_provider import CLIENT, IdentityProvider, decoded
from tests.support.identity_tokens import BAD, bad_token
from tests.unit.gateway.service_api.service_harness import Service, is_problem

ISSUER = "https://id.example.com"
POD_AUDIENCE = "collect.serviceexecution.dev"


class Door(Service):
    """A gateway whose API server has a JWT authenticator for the provider, and answers as Kubernetes' own does."""

    def __init__(self, directory, **settings):
        super().__init__(directory, **settings)
        self.provider = IdentityProvider(ISSUER, Path())
        self.asked = []
        setattr(self.cluster, "review_token", self._review)  # noqa: B010 - mypy lets no method be assigned

    async def _review(self, token, audience):
        self.asked.append(audience)
        claims = token_claims(token)
        if claims.get("iss") != ISSUER:
            return TokenIdentity("account") if (audience or "api") in audiences(claims) else None
        # A JWT authenticator knows no audiences of ours: it answers only where the API server itself is meant
        if audience is not None or CLIENT not in audiences(claims) or not self._is_signed(token):
            return None
        now = self.provider.now()
        if not claims.get("nbf", 0) <= now < claims.get("exp", 0):
            return None
        return TokenIdentity(f"oidc:{claims['email']}")

    def _is_signed(self, token):
        text, _, signature = token.rpartition(".")
        try:
            key = self.provider.key.public_key()
            key.verify(decoded(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    async def with_token(self, token):
        return await self.get(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(params=[True, False], ids=["with a provider", "without"])
async def door(tmp_path, request):
    told = Provider(ISSUER, CLIENT, ("openid",)) if request.param else None
    door = Door(tmp_path, console_open_id_connect=told)
    yield door
    await door.schemas.close()


async def test_a_token_of_the_provider_is_the_api_server_s_to_judge(door):
    """Naming a provider to the console makes the gateway believe nothing that it does not believe otherwise."""
    assert (await door.with_token(door.provider.token())).status_code == 200
    assert door.asked == [None]
    assert [question["namespace"] for question in door.cluster.questions] == ["team-a"]


@pytest.mark.parametrize("which", BAD)
async def test_a_token_that_is_not_the_console_s_opens_nothing(door, which):
    answer = await door.with_token(bad_token(door.provider, which))
    assert is_problem(answer, 401, "Unauthorized")
    assert door.cluster.questions == []


async def test_a_token_that_is_also_for_the_gateway_is_not_reviewed_as_one_of_the_api_server(door):
    assert is_problem(await door.with_token(door.provider.token(aud=[CLIENT, SERVICE_AUDIENCE])), 401)
    assert door.asked == [SERVICE_AUDIENCE]


async def test_a_token_that_has_expired_long_ago_costs_no_review(door):
    assert is_problem(await door.with_token(bad_token(door.provider, "expired long ago")), 401)
    assert door.asked == []


@pytest.mark.parametrize("audience", [CLIENT, POD_AUDIENCE, "vault"])
async def test_an_account_s_token_for_somebody_else_is_refused_whatever_the_console_s_client_is_called(
    door, audience
):
    account = IdentityProvider("https://kubernetes.default.svc", Path(), door.provider.key)
    assert is_problem(await door.with_token(account.token(aud=[audience])), 401)
    assert door.asked == [None]


async def test_a_token_is_believed_no_longer_than_it_lasts(door, monkeypatch):
    token = door.provider.token(exp=door.provider.now() + 30)
    assert (await door.with_token(token)).status_code == 200
    later = door.provider.now() + 31
    monkeypatch.setattr("time.time", lambda: later)
    assert is_problem(await door.with_token(token), 401)
