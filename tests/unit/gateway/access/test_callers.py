"""How long the gateway believes what the API server said of somebody, and what it does while that is away."""

import asyncio
from http import HTTPStatus
from typing import cast

import pytest
from starlette.requests import Request

from serviceexecution.gateway.access import callers
from serviceexecution.gateway.access.access_keys import AccessKeys
from serviceexecution.gateway.access.attempts import Attempts
from serviceexecution.gateway.access.callers import (
    ACCESS_SECONDS,
    DENIED_SECONDS,
    REFUSED_SECONDS,
    STALE_SECONDS,
    TOKEN_SECONDS,
    Access,
    Caller,
)
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.reviews import TokenIdentity

ADA = TokenIdentity("ada")
AWAY = KubernetesError("no answer")


class Server:
    """An API server that answers, or raises ``fault``, or hangs."""

    def __init__(self):
        self.allowed, self.identity = False, ADA
        self.asked = 0
        self.fault, self.hangs = None, False

    async def review_access(self, identity, **question):
        await self._answer()
        return self.allowed

    async def review_token(self, token, audience):
        await self._answer()
        return self.identity

    async def _answer(self):
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(3600)
        if self.fault is not None:
            raise self.fault


class World:
    def __init__(self):
        self.server, self.now = Server(), 0.0
        settings = GatewaySettings.from_environment({"SX_STORE_URL": "memory:///", "SX_CLUSTER_ID": "test"})
        attempts = Attempts(clock=lambda: self.now)
        client = cast("GatewayKubernetes", self.server)
        keys = AccessKeys(client, settings)
        self.access = Access(client, settings, attempts, keys, clock=lambda: self.now)

    async def may(self):
        """Whether Ada may; raises KubernetesError."""
        asking = self.access.require(
            Caller("ada", ADA), verb="list", resource="serviceexecutions", namespace="team-a"
        )
        return await _status(asking) != HTTPStatus.FORBIDDEN

    async def knows(self):
        """Whether Ada's token is good; raises KubernetesError."""
        scope = {"type": "http", "headers": [(b"authorization", b"Bearer t")], "client": ("127.0.0.1", 1)}
        return await _status(self.access.authenticate(Request(scope))) != HTTPStatus.UNAUTHORIZED


async def _status(asking):
    try:
        await asking
    except Problem as problem:
        return problem.status
    return HTTPStatus.OK


@pytest.fixture
def world():
    return World()


async def test_a_no_is_believed_for_a_shorter_time_than_a_yes(world):
    assert not await world.may()
    world.server.allowed = True
    world.now = DENIED_SECONDS - 0.1
    assert not await world.may()
    assert world.server.asked == 1
    world.now = DENIED_SECONDS
    assert await world.may()
    world.server.allowed = False
    world.now += ACCESS_SECONDS - 0.1
    assert await world.may()
    assert world.server.asked == 2
    world.now += 0.1
    assert not await world.may()


@pytest.mark.parametrize(("ask", "seconds"), [("may", ACCESS_SECONDS), ("knows", TOKEN_SECONDS)])
async def test_a_yes_is_believed_longer_while_the_api_server_is_away(world, ask, seconds):
    world.server.allowed = True
    assert await getattr(world, ask)()
    world.server.fault = AWAY
    world.now = seconds
    assert await getattr(world, ask)()
    assert await getattr(world, ask)()
    assert world.server.asked == 2, "it is not asked for every request"
    world.now = seconds + STALE_SECONDS - 0.1
    assert await getattr(world, ask)()
    world.now = seconds + STALE_SECONDS
    with pytest.raises(KubernetesError):
        await getattr(world, ask)()


async def test_an_old_no_is_no_answer(world):
    assert not await world.may()
    world.server.fault = AWAY
    world.now = DENIED_SECONDS
    with pytest.raises(KubernetesError):
        await world.may()


async def test_what_the_api_server_says_when_it_is_back_counts(world):
    world.server.allowed = True
    assert await world.may()
    assert await world.knows()
    world.now = TOKEN_SECONDS
    world.server.allowed, world.server.identity = False, None
    assert not await world.may()
    assert not await world.knows()
    world.server.fault = AWAY
    world.now += REFUSED_SECONDS
    for asking in (world.may(), world.knows()):
        with pytest.raises(KubernetesError):
            await asking


async def test_a_review_that_hangs_is_not_waited_for_long(world, monkeypatch):
    monkeypatch.setattr(callers, "_PATIENCE_SECONDS", 0.01)
    world.server.allowed = True
    assert await world.may()
    world.server.hangs = True
    world.now = ACCESS_SECONDS
    assert await asyncio.wait_for(world.may(), 5)
