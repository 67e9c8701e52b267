"""``qhub-api`` 3.3.0, unmodified: who calls, and what credentials may be."""

import httpx
import pytest

from tests.platform.platform_client import UNKNOWN, Platform, refused
from tests.support.sdk.process import RemoteError
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE

PACKAGE = "qhub-service"


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_the_base_url_may_end_in_slashes(sdk, gateway, slashes):
    client = Platform(sdk, gateway, base_url=gateway.base + slashes).client
    assert client.authentication.resolve_auth_token().id == "alice"


def test_the_caller_is_told_who_it_is(platform):
    principal = platform.client.authentication.resolve_auth_token()
    assert (principal.id, principal.account_type, principal.type) == ("alice", "STANDARD", "token.personal")
    (account,) = platform.client.users.get_my_accounts()
    assert (account.id, account.tenant_type, account.is_organization) == (NAMESPACE, "ORGANIZATION", True)
    assert platform.client.users.get_user_provider_token_availability() == {}


def test_an_organisation_is_not_looked_at(sdk, gateway):
    client = Platform(sdk, gateway, organization_id="somebody-else").client
    assert client.service_executions.get_service_executions().total_elements == 0


def test_an_access_key_may_call_as_id_and_secret(sdk, gateway):
    key_id, secret = gateway.access_key()
    client = Platform(sdk, gateway, token=f"{key_id}:{secret}").client
    assert (
        client.authentication.resolve_auth_token().id
        == f"system:serviceaccount:{NAMESPACE}:access-key-{key_id[7:]}"
    )
    cluster = gateway.service.cluster
    before = len([one for one in cluster.requests if one.resource == "serviceaccounts/token"])
    assert client.service_executions.get_service_executions().total_elements == 0
    after = len([one for one in cluster.requests if one.resource == "serviceaccounts/token"])
    assert (before, after) == (1, 1), "it is believed for a minute"


@pytest.mark.parametrize(
    "token",
    [
        "wrong",
        "team-a.k0123456789abcdef:wrong",
        "team-a.knobody:s3cret",
        "team-b.k0123456789abcdef:s3cret",
        ":",
        "a:b",
    ],
)
def test_bad_credentials_are_a_typed_401(sdk, gateway, token):
    gateway.access_key()
    client = Platform(sdk, gateway, token=token).client
    refused("UnauthorizedError", client.service_executions.get_service_executions, status=401)
    refused("UnauthorizedError", client.authentication.resolve_auth_token, status=401)
    refused("UnauthorizedError", client.data_pools.get_data_pools, status=401)


def test_without_the_right_it_is_a_typed_403_that_names_it(platform):
    name = platform.submit()
    platform.service.cluster.allowed = lambda question: False
    executions = platform.client.service_executions
    assert "list serviceexecutions" in refused("ForbiddenError", executions.get_service_executions)["detail"]
    for call, right in {
        executions.get_service_execution: "get serviceexecutions",
        executions.cancel_service_execution: "update serviceexecutions/cancel",
        executions.get_service_execution_result: "get serviceexecutions/results",
        executions.get_service_execution_logs: "get serviceexecutions/log",
        executions.get_service_execution_metrics: "get serviceexecutions",
        executions.get_service_execution_lineage: "get serviceexecutions",
        executions.get_service_execution_costs: "get serviceexecutions",
        executions.get_service_execution_observability_files: "get serviceexecutions",
    }.items():
        assert right in refused("ForbiddenError", call, name)["detail"]


def test_an_unknown_id_is_a_typed_404(platform):
    executions = platform.client.service_executions
    for call in (
        executions.get_service_execution,
        executions.cancel_service_execution,
        executions.get_service_execution_result,
        executions.get_service_execution_logs,
        executions.get_service_execution_metrics,
        executions.get_service_execution_lineage,
        executions.get_service_execution_costs,
        executions.get_service_execution_observability_files,
    ):
        for unknown in (UNKNOWN, "no..name", "ü x"):
            refused("NotFoundError", call, unknown)
    with pytest.raises(RemoteError, match="404"):
        executions.head_service_execution(UNKNOWN)


def test_another_namespace_is_not_told_of(sdk, gateway):
    client = Platform(sdk, gateway, base_url=f"{gateway.address}/platform/..%2fteam-a").client
    refused("NotFoundError", client.service_executions.get_service_executions)


def test_the_package_is_the_published_one(sdk):
    assert sdk.module("importlib.metadata").version("qhub-api") == "3.3.0"


def test_an_access_key_is_taken_below_platform_only(gateway):
    key = ":".join(gateway.access_key())
    for path, status in {
        f"/platform/{NAMESPACE}/service-executions": 200,
        f"/services/{NAMESPACE}/{SERVICE}": 401,
        f"/api/v1/namespaces/{NAMESPACE}/executions/{UNKNOWN}/files": 401,
        "/platform": 404,
    }.items():
        for headers in ({"X-Auth-Token": key}, {"Authorization": f"Bearer {key}"}):
            expected = 401 if status == 200 and "Authorization" in headers else status
            assert httpx.get(f"{gateway.address}{path}", headers=headers).status_code == expected, path


def test_two_credentials_that_differ_are_refused(gateway):
    url = f"{gateway.base}/service-executions"
    for other, status in {"alice-token": 200, "other-token": 400}.items():
        headers = {"X-Auth-Token": "alice-token", "Authorization": f"Bearer {other}"}
        answer = httpx.get(url, headers=headers)
        assert answer.status_code == status, answer.text
    assert answer.json()["code"] == "TwoCredentials"


@pytest.mark.parametrize(
    "path", ["", "/", "/service-executions/", "/service-jobs/", "/services/", "//services"]
)
def test_a_path_that_ends_in_a_slash_is_nothing(gateway, path):
    answer = httpx.get(f"{gateway.base}{path}", headers={"X-Auth-Token": "alice-token"})
    assert answer.status_code == 404
    assert answer.json()["detail"]


def test_credentials_stand_in_no_log(gateway, capfd):
    key_id, secret = gateway.access_key()
    for token in (f"{key_id}:{secret}-wrong-mark", f"{key_id}:{secret}", "wrong-mark"):
        httpx.get(f"{gateway.base}/service-executions", headers={"X-Auth-Token": token})
    written = "".join(capfd.readouterr())
    assert "service-executions" in written
    assert "wrong-mark" not in written
    assert f":{secret}" not in written
