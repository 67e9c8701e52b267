"""M6 and M7: tokens that outlive their key, bodies and headers of the token endpoint. Fails on 9b98b50."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from serviceexecution.cli.access_key_objects import key_secret
from serviceexecution.gateway.access import token_endpoint
from serviceexecution.gateway.access.access_keys import SHORTEST_TOKEN_SECONDS
from serviceexecution.gateway.app import create_app
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.kube.kinds import SECRETS
from serviceexecution.resources.access_key import KeyId
from serviceexecution.store.store import ResultStore
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, ServiceCluster

KEY = KeyId(NAMESPACE, "k0123456789abcdef")
GRANT = "grant_type=client_credentials"
SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "path": "/oauth/token",
    "raw_path": b"/oauth/token",
    "query_string": b"",
    "headers": [(b"host", b"gateway"), (b"content-length", b"100")],
    "client": ("127.0.0.1", 1),
    "scheme": "http",
    "server": ("gateway", 80),
}


@pytest.fixture
def cluster():
    return ServiceCluster()


@pytest.fixture
def app(cluster, tmp_path):
    settings = GatewaySettings(store_url="", cluster_id="", token_seconds=86400)
    return create_app(ResultStore.open(f"file://{tmp_path}", "c"), cluster, settings)


@pytest.fixture
def http(app):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://gateway")


async def token_of_a_key_that_ends_in(http, cluster, seconds):
    expires = datetime.now(UTC) + timedelta(seconds=seconds)
    made = key_secret(KEY, "s3cret", b"salt", description="", expires=expires)
    parts = {name: made[name] for name in ("metadata", "type", "data")}
    cluster.seed(SECRETS, NAMESPACE, KEY.secret_name, **parts)
    return await http.post("/oauth/token", content=GRANT, auth=(str(KEY), "s3cret"))


@pytest.mark.parametrize("seconds", [700, 3600, 40_000])
async def test_a_token_ends_before_its_key(http, cluster, seconds):
    answer = await token_of_a_key_that_ends_in(http, cluster, seconds)
    assert answer.status_code == 200, answer.text
    assert SHORTEST_TOKEN_SECONDS <= answer.json()["expires_in"] < seconds


@pytest.mark.parametrize("seconds", [1, 300, SHORTEST_TOKEN_SECONDS])
async def test_a_key_that_ends_before_the_shortest_token_gives_none(http, cluster, seconds):
    answer = await token_of_a_key_that_ends_in(http, cluster, seconds)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "make a new key" in answer.json()["error_description"]


@pytest.mark.parametrize(
    "credentials",
    [b"\xe9\xe9", b"!!!", b"", b"Og==", b"AAAA", "ÄÖ".encode(), b"AAECAwQ6BQYH", b"=" * 5000, b"OjpdOg"],
)
async def test_credentials_of_any_bytes_are_refused_as_wrong_ones(http, credentials):
    headers = [(b"Authorization", b"Basic " + credentials)]
    answer = await http.post("/oauth/token", content=GRANT, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
@pytest.mark.parametrize("value", ["%00%0a", "%ff%fe", "%ed%a0%80", "a" * 5000, "é", "..%2f..%2fx.k1"])
async def test_so_are_those_of_a_form(http, name, value):
    form = {"client_id": str(KEY), "client_secret": "x", name: value}
    content = "&".join([GRANT, *(f"{field}={text}" for field, text in form.items())])
    answer = await http.post("/oauth/token", content=content.encode())
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "a byte now and then"])
async def test_a_body_that_does_not_come_is_not_waited_for(app, monkeypatch, silent):
    monkeypatch.setattr(token_endpoint, "_BODY_SECONDS", 0.1)
    sent = []

    async def receive():
        await asyncio.sleep(3600 if silent else 0.02)
        return {"type": "http.request", "body": b"g", "more_body": True}

    async def send(message):
        sent.append(message)

    await asyncio.wait_for(app({**SCOPE, "state": {}}, receive, send), 10)
    assert sent[0]["status"] == 408
    assert b'"error":"invalid_request"' in sent[1]["body"]


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_error_of_ours(app):
    async def receive():
        return {"type": "http.disconnect"}

    statuses = []

    async def send(message):
        statuses.append(message.get("status"))

    await app({**SCOPE, "state": {}}, receive, send)
    assert 500 not in statuses
