"""How long the gateway believes what the API server said of somebody's rights."""

import asyncio
from http import HTTPStatus

from serviceexecution.gateway.access.callers import ACCESS_SECONDS, DENIED_SECONDS, Access, Caller
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.kube.reviews import TokenIdentity


class Client:
    def __init__(self):
        self.allowed, self.asked = False, 0

    async def review_access(self, identity, **question):
        self.asked += 1
        return self.allowed


def test_a_no_is_believed_for_a_shorter_time_than_a_yes():
    client, now = Client(), [0.0]
    access = Access(client, None, None, clock=lambda: now[0])
    caller = Caller("ada", TokenIdentity("ada"))

    def allowed():
        asking = access.require(caller, verb="list", resource="serviceexecutions", namespace="team-a")
        try:
            asyncio.run(asking)
        except Problem as problem:
            return problem.status != HTTPStatus.FORBIDDEN
        return True

    assert not allowed()
    client.allowed = True
    now[0] = DENIED_SECONDS - 0.1
    assert not allowed()
    assert client.asked == 1
    now[0] = DENIED_SECONDS
    assert allowed()
    client.allowed = False
    now[0] += ACCESS_SECONDS - 0.1
    assert allowed()
    assert client.asked == 2
    now[0] += 0.1
    assert not allowed()
