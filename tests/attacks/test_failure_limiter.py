"""H5: bad credentials of some lock out others behind the same address, or with the same key. Fails on 9b98b50."""

import asyncio
import base64
import gc
import json
import time
from collections import Counter

import httpx
import pytest

from serviceexecution.cli.access_key_objects import key_secret
from serviceexecution.gateway.access import attempts, callers
from serviceexecution.gateway.access.attempts import AT_ONCE_PER_ADDRESS, WAITING_PER_ADDRESS
from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.kinds import SECRETS
from serviceexecution.resources.access_key import KeyId
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import Service

KEY = KeyId(NAMESPACE, "k0123456789abcdef")
OTHER_KEY = KeyId(NAMESPACE, "kfedcba9876543210")
GRANT = {"grant_type": "client_credentials"}


class Door(Service):
    """A gateway whose API server takes a few milliseconds to review a token, and counts how many it reviews at once."""

    def __init__(self, directory, **settings):
        super().__init__(directory, **settings)
        self.at_once = self.most_at_once = 0
        self.all_came = asyncio.Event()
        self.all_came.set()
        self._answer = self.cluster.review_token
        setattr(self.cluster, "review_token", self._slowly)  # noqa: B010 - mypy lets no method be assigned
        self.cluster.tokens["bob-token", None] = TokenIdentity("bob")

    async def _slowly(self, token, audience):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.all_came.wait()
            await asyncio.sleep(0.003)
            return await self._answer(token, audience)
        finally:
            self.at_once -= 1

    @property
    def access(self):
        """The gateway's memory of callers."""
        found = [one for one in gc.get_objects() if isinstance(one, callers.Access)]
        return next(one for one in found if one._client is self.cluster)

    def forward(self, seconds):
        """Let that memory get older."""
        clock, access = self.access._clock, self.access
        access._clock = access._known._cache._clock = lambda: clock() + seconds

    async def with_token(self, token):
        return await self.get(headers={"Authorization": f"Bearer {token}"})

    async def flood(self, number, name="bad"):
        """Send so many different bad tokens at once; return how often each status was answered."""
        answers = await asyncio.gather(*(self.with_token(f"{name}-{n}") for n in range(number)))
        return Counter(answer.status_code for answer in answers)

    def key(self, key_id, secret):
        made = key_secret(key_id, secret, b"salt", description="", expires=None)
        parts = {name: made[name] for name in ("metadata", "type", "data")}
        self.cluster.seed(SECRETS, NAMESPACE, key_id.secret_name, **parts)

    def at(self, address):
        """Return a client at that address."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://gateway")


@pytest.fixture
def door(tmp_path, monkeypatch):
    async def pause(seconds):
        """Answer at once, so that tests are quick."""

    monkeypatch.setattr(attempts, "pause", pause)
    return Door(tmp_path)


async def test_after_a_flood_of_one_address_a_new_caller_of_it_gets_in(door):
    statuses = await door.flood(300)
    assert set(statuses) <= {401, 429}
    assert (await door.with_token("bob-token")).status_code == 200


async def test_during_a_flood_of_one_address_a_new_caller_of_it_gets_in_at_the_second_try(door):
    flood = asyncio.create_task(door.flood(300))
    await asyncio.sleep(0.01)
    answer = await door.with_token("bob-token")
    if answer.status_code == 429:
        assert answer.headers["retry-after"] == "1"
        more = asyncio.create_task(door.flood(300, "more"))
        await asyncio.sleep(0)
        answer = await door.with_token("bob-token")
        await more
    assert answer.status_code == 200
    await flood


async def test_how_many_bad_tokens_reach_the_api_server_is_decided_before_it_answers(door):
    door.all_came.clear()
    flood = asyncio.create_task(door.flood(300))
    sent_away = door.access._attempts._sent_away
    while len(sent_away) < 300 - AT_ONCE_PER_ADDRESS - WAITING_PER_ADDRESS:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    door.all_came.set()
    statuses = await flood
    assert statuses[401] <= AT_ONCE_PER_ADDRESS + WAITING_PER_ADDRESS
    assert statuses[429] == 300 - statuses[401]
    assert door.cluster.reviews == statuses[401]
    assert door.most_at_once <= AT_ONCE_PER_ADDRESS


async def test_a_token_that_is_known_is_never_refused_for_others(door):
    assert (await door.get()).status_code == 200
    flood = asyncio.create_task(door.flood(300))
    await asyncio.sleep(0.01)
    assert (await door.get()).status_code == 200
    door.forward(callers.TOKEN_SECONDS + 1)
    assert (await door.get()).status_code == 200, "its minute is over: it is reviewed without a turn"
    await flood


async def test_tokens_that_cannot_be_good_cost_the_api_server_nothing(door):
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() - 3600}).encode()).decode().rstrip("=")
    huge = base64.urlsafe_b64encode(b'{"exp": 1' + b"0" * 400 + b"}").decode().rstrip("=")
    for token in (f"e30.{claims}.c2ln", "x" * 20_000, "é", "a b"):
        head = [(b"Authorization", f"Bearer {token}".encode())]
        answer = await door.http.request("GET", door.base, headers=head)
        assert answer.status_code == 401
    assert door.cluster.reviews == 0
    assert (await door.with_token(f"e30.{huge}.c2ln")).status_code == 401


async def test_who_gets_himself_thousands_of_good_tokens_pushes_out_nobody_else_s(door):
    assert (await door.get()).status_code == 200
    access = door.access
    for number in range(callers._CAPACITY + 10):
        known = callers._Known(callers.Caller("eve", TokenIdentity("eve")), float("inf"), access._clock())
        access._known.put("eve", str(number).encode(), known)
    before = door.cluster.reviews
    assert (await door.get()).status_code == 200
    assert door.cluster.reviews == before


class TestKeys:
    """The token endpoint."""

    @pytest.fixture(autouse=True)
    def _keys(self, door):
        door.key(KEY, "s3cret")
        door.key(OTHER_KEY, "other")

    @staticmethod
    async def ask(client, key_id, secret):
        return await client.post("/oauth/token", data=GRANT, auth=(str(key_id), secret))

    async def guess(self, client, number):
        answers = await asyncio.gather(*(self.ask(client, KEY, f"guess-{n}") for n in range(number)))
        return Counter(answer.status_code for answer in answers)

    async def test_who_knows_a_key_s_id_locks_its_owner_out_from_nowhere(self, door):
        await self.guess(door.at("203.0.113.9"), 200)
        assert (await self.ask(door.at("203.0.113.1"), KEY, "s3cret")).status_code == 200

    async def test_a_key_is_not_slowed_down_behind_the_same_proxy(self, door):
        proxy = door.at("10.0.0.1")
        await self.guess(proxy, 200)
        for key_id, secret in ((KEY, "s3cret"), (OTHER_KEY, "other")):
            assert (await self.ask(proxy, key_id, secret)).status_code == 200

    async def test_a_key_that_was_good_before_waits_behind_nobody(self, door):
        proxy = door.at("10.0.0.1")
        assert (await self.ask(proxy, KEY, "s3cret")).status_code == 200
        guesses = asyncio.create_task(self.guess(proxy, 200))
        await asyncio.sleep(0.01)
        assert (await self.ask(proxy, KEY, "s3cret")).status_code == 200
        await guesses

    async def test_a_token_that_was_just_handed_out_waits_behind_nobody(self, door):
        minted = (await self.ask(door.http, KEY, "s3cret")).json()["access_token"]
        door.cluster.tokens[minted, None] = TokenIdentity("pipeline")
        flood = asyncio.create_task(door.flood(300))
        await asyncio.sleep(0.01)
        assert (await door.with_token(minted)).status_code == 200
        await flood

    async def test_the_answers_that_send_away_are_errors_as_clients_know_them(self, door):
        real = door.cluster.get

        async def slowly(*arguments):
            await asyncio.sleep(0.1)
            return await real(*arguments)

        door.cluster.get = slowly
        proxy = door.at("10.0.0.1")
        answers = await asyncio.gather(*(self.ask(proxy, KEY, f"guess-{n}") for n in range(200)))
        sent_away = [answer for answer in answers if answer.status_code == 429]
        assert sent_away
        assert {answer.json()["error"] for answer in sent_away} == {"temporarily_unavailable"}
        assert {answer.headers["retry-after"] for answer in sent_away} == {"1"}
