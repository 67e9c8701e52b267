"""The token endpoint as the real clients call it, and the access key behind it."""

import base64
from datetime import UTC, datetime, timedelta
from typing import cast

import httpx
import pytest

from serviceexecution.cli.access_key_objects import GatewayAccount, key_objects, key_secret
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.access import attempts
from serviceexecution.gateway.app import create_app
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SECRETS
from serviceexecution.resources.access_key import KeyId, access_key
from serviceexecution.store.store import ResultStore
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, ServiceCluster

KEY = KeyId(NAMESPACE, "k0123456789abcdef")
SECRET = "s3cret-é"  # noqa: S105
GRANT = "grant_type=client_credentials"


@pytest.fixture
def cluster():
    found = ServiceCluster()
    store_key(found)
    return found


def store_key(cluster, **more):
    found = key_secret(KEY, SECRET, b"salt", description="", expires=more.get("expires"))
    parts = {name: found[name] for name in ("metadata", "type", "data")}
    cluster.seed(SECRETS, NAMESPACE, KEY.secret_name, **parts)


@pytest.fixture
def http(cluster, tmp_path):
    app = create_app(
        ResultStore.open(f"file://{tmp_path}", "c"), cluster, GatewaySettings(store_url="", cluster_id="")
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


def basic(key_id=str(KEY), secret=SECRET):
    raw = f"{key_id}:{secret}".encode("latin-1")
    return {"Authorization": f"Basic {base64.b64encode(raw).decode()}"}


async def test_basic_credentials_get_a_token(http, cluster):
    answer = await http.post("/oauth/token", content=GRANT, headers=basic())
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["access_token"] == f"token-of-{NAMESPACE}-{KEY.secret_name}"
    assert body["token_type"] == "Bearer"  # noqa: S105
    assert 3500 < body["expires_in"] <= 3600
    assert answer.headers["cache-control"] == "no-store"


async def test_credentials_in_the_form_do_too(http):
    data = {"grant_type": "client_credentials", "client_id": str(KEY), "client_secret": SECRET}
    assert (await http.post("/oauth/token", data=data)).status_code == 200


@pytest.mark.parametrize(
    ("content", "headers", "status", "error"),
    [
        (GRANT, {}, 401, "invalid_client"),
        (GRANT, {"Authorization": "Basic !!!"}, 401, "invalid_client"),
        (GRANT, basic(str(KEY), "wrong"), 401, "invalid_client"),
        (GRANT, basic(key_id="other.k0123456789abcdef"), 401, "invalid_client"),
        (GRANT, basic(key_id="../x"), 401, "invalid_client"),
        (GRANT, basic(key_id=""), 401, "invalid_client"),
        ("grant_type=password", basic(), 400, "unsupported_grant_type"),
        ("", basic(), 400, "invalid_request"),
        ("x" * 20_000, basic(), 413, "invalid_request"),
    ],
)
async def test_refusals_have_the_members_of_both_texts(http, content, headers, status, error):
    answer = await http.post("/oauth/token", content=content, headers=headers)
    body = answer.json()
    assert (answer.status_code, body["status"], body["error"]) == (status, status, error)
    assert body["error_description"] == body["detail"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text


async def test_an_expired_key_is_none(http, cluster):
    store_key(cluster, expires=datetime.now(UTC) - timedelta(seconds=1))
    assert (await http.post("/oauth/token", content=GRANT, headers=basic())).status_code == 401


async def test_a_key_without_its_role_is_none(http, cluster):
    cluster.fail("get", "secrets", KubernetesError("forbidden", status=403))
    assert (await http.post("/oauth/token", content=GRANT, headers=basic())).status_code == 401


async def test_an_api_server_that_is_away_is_not_the_client_s_fault(http, cluster):
    cluster.down = True
    answer = await http.post("/oauth/token", content=GRANT, headers=basic())
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"]


async def test_guessing_is_slowed_down_and_who_has_the_secret_goes_on(http, monkeypatch):
    pauses = []

    async def pause(seconds):
        pauses.append(seconds)

    monkeypatch.setattr(attempts, "pause", pause)
    for number in range(23):
        wrong = basic(str(KEY), f"wrong-{number}")
        assert (await http.post("/oauth/token", content=GRANT, headers=wrong)).status_code == 401
    assert pauses == [attempts.SLOW_SECONDS] * 3
    assert (await http.post("/oauth/token", content=GRANT, headers=basic())).status_code == 200
    assert len(pauses) == 3


def test_a_key_s_objects_go_with_its_secret_and_open_one_namespace():
    secret = key_secret(KEY, SECRET, b"salt", description="d", expires=None)
    assert SECRET not in str(secret)
    stored = access_key({**secret, "metadata": {**cast("JsonObject", secret["metadata"]), "uid": "u"}})
    assert stored is not None
    assert stored.matches(SECRET)
    assert not stored.matches("other")
    objects = key_objects(KEY, "u", GatewayAccount("system", "gateway", "client"))
    assert [plural for plural, _ in objects] == ["serviceaccounts", "rolebindings", "roles", "rolebindings"]
    for _, manifest in objects:
        assert manifest["metadata"]["namespace"] == NAMESPACE
        assert manifest["metadata"]["ownerReferences"][0]["uid"] == "u"
    role = objects[2][1]
    assert all(rule["resourceNames"] == [KEY.secret_name] for rule in role["rules"])
