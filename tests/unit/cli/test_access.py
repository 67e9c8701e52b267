"""The way to the gateway: which one, by which token or key, and what is said when that is refused."""

import json

import pytest

from serviceexecution.cli.cluster.gateway import GatewayService, public_url
from serviceexecution.cli.session import open_session

ROLE = {"metadata": {"name": "sx-develop", "labels": {"serviceexecution.dev/role": "develop"}}}
SUBMIT = {"metadata": {"name": "sx-submit", "labels": {"serviceexecution.dev/role": "submit"}}}
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles/"
CERTIFICATE = {"username": "stands for a client certificate: no token"}


@pytest.fixture
def without_token(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "other", user=CERTIFICATE)))
    cluster.objects[f"{ROLES}sx-submit"] = SUBMIT
    cluster.objects[f"{ROLES}sx-develop"] = ROLE
    cluster.gateway_tokens = {"minted"}
    return cluster


def test_without_a_token_one_is_made_for_the_namespace(without_token, sx):
    cluster = without_token
    cluster.execution("plain")
    cluster.logs["plain"] = ["hello"]
    assert sx("logs", "plain")[:2] == (0, "hello\n")
    account = cluster.objects["/api/v1/namespaces/team-a/serviceaccounts/sx-cli"]
    assert account["automountServiceAccountToken"] is False
    binding = cluster.objects["/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/rolebindings/sx-cli"]
    assert binding["roleRef"]["name"] == "sx-develop"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "sx-cli", "namespace": "team-a"}]
    assert sx("logs", "plain")[0] == 0
    assert len(cluster.requests("POST", "/rolebindings")) == 1
    [request, _] = [body for _, path, _, body in cluster.requests("POST", "/sx-cli/token")]
    assert b'"audiences": ["services.serviceexecution.dev"]' in request


def test_the_token_is_used_as_soon_as_its_rights_count(without_token, sx):
    without_token.rights = [False, True]
    without_token.execution("plain")
    assert sx("logs", "plain")[0] == 0
    [first, again] = [body for _, _, _, body in without_token.requests("POST", "/subjectaccessreviews")]
    assert first == again
    assert b'"user": "system:serviceaccount:team-a:sx-cli"' in first.replace(b'":"', b'": "')
    questions = [path for method, path, _, _ in without_token.seen if method == "POST"]
    assert questions.index(
        "/apis/authorization.k8s.io/v1/subjectaccessreviews?fieldManager=sx"
    ) < questions.index("/api/v1/namespaces/team-a/serviceaccounts/sx-cli/token")


def test_who_may_not_ask_for_rights_does_not_wait(without_token, sx):
    without_token.refused = {("POST", "/subjectaccessreviews")}
    without_token.execution("plain")
    assert sx("logs", "plain")[0] == 0


def test_an_installation_without_that_role_has_the_other(without_token, sx):
    del without_token.objects[f"{ROLES}sx-develop"]
    without_token.execution("plain")
    sx("logs", "plain")
    binding = without_token.objects[
        "/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/rolebindings/sx-cli"
    ]
    assert binding["roleRef"]["name"] == "sx-submit"


def test_who_may_make_no_token_hears_it(without_token, sx):
    without_token.execution("plain")
    without_token.refused = {("POST", "/serviceaccounts")}
    code, _, err = sx("logs", "plain")
    assert code == 1
    assert "client certificate" in err
    assert "sx-cli" in err


def test_credentials_that_the_cluster_refuses(cluster, sx):
    cluster.unauthorized = True
    assert sx("services")[2] == (
        "sx: The cluster does not accept the credentials of the context fake; log in again.\n"
    )


def test_a_cluster_that_does_not_know_the_kinds(cluster, sx):
    cluster.unknown_kinds = True
    assert sx("services")[2].startswith("sx: ServiceExecution is not installed in the cluster of fake")


def test_without_the_right_to_list_services_the_charts_names_are_taken(cluster, sx):
    cluster.refused = {("GET", "/api/v1/services")}
    cluster.execution("plain")
    code, _, err = sx("logs", "plain")
    assert code == 1
    assert "no gateway serviceexecution-system/serviceexecution-gateway" in err


def test_the_gateway_may_be_named(cluster, sx, monkeypatch):
    monkeypatch.setenv("SX_GATEWAY", "sx-system/sx-gateway")
    cluster.execution("plain")
    cluster.refused = {("GET", "/api/v1/services")}
    assert sx("logs", "plain")[0] == 0
    monkeypatch.setenv("SX_GATEWAY", "nonsense")
    assert "SX_GATEWAY must be NAMESPACE/SERVICE" in sx("logs", "plain")[2]


def test_a_cluster_without_the_operator(cluster, sx):
    cluster.objects.clear()
    cluster.execution("plain")
    assert "No gateway is installed" in sx("logs", "plain")[2]


def test_a_cluster_that_is_away(sx, cluster):
    cluster.close()
    code, _, err = sx("services")
    assert code == 1
    assert "cannot be reached" in err


NODE = {"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.7"}]}}


@pytest.mark.parametrize(
    ("manifest", "url"),
    [
        ({"metadata": {"annotations": {"serviceexecution.dev/public-url": "https://x/"}}}, "https://x"),
        (
            {
                "spec": {"ports": [{"name": "http", "port": 8080}]},
                "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}},
            },
            "http://1.2.3.4:8080",
        ),
        ({"spec": {"ports": [{"name": "http", "port": 80, "nodePort": 30080}]}}, "http://10.0.0.7:30080"),
        ({"spec": {"ports": [{"name": "http", "port": 80}]}}, "http://gw.sx.svc"),
        ({}, "http://gw.sx.svc"),
    ],
)
def test_the_url_that_programs_call(cluster, manifest, url):
    cluster.objects["/api/v1/nodes/n"] = NODE
    with open_session() as session:
        assert public_url(session.api, GatewayService("sx", "gw", manifest)) == url
        assert session.context.name == "fake"


@pytest.fixture
def installed(cluster):
    cluster.objects["/api/v1/namespaces/team-a"] = {"metadata": {"name": "team-a"}}
    cluster.objects["/apis/apps/v1/namespaces/sx-system/deployments/sx"] = {
        "metadata": {
            "name": "sx",
            "namespace": "sx-system",
            "labels": {"app.kubernetes.io/name": "serviceexecution", "app.kubernetes.io/instance": "sx"},
        },
        "spec": {"template": {"spec": {"serviceAccountName": "gw", "containers": [{"name": "gateway"}]}}},
    }
    cluster.objects[f"{ROLES}sx-submit"] = SUBMIT
    return cluster


def test_an_access_key_is_printed_when_its_rights_count(installed, sx):
    installed.rights = [False, True, False, True, True]
    code, out, _ = sx("access-key", "create", "-n", "team-a", "--output", "json")
    assert code == 0
    key = json.loads(out)
    asked = [
        json.loads(body)["spec"] for _, _, _, body in installed.requests("POST", "/subjectaccessreviews")
    ]
    [name] = [path for path in installed.objects if "/team-a/serviceaccounts/" in path]
    gateway, account = (
        "system:serviceaccount:sx-system:gw",
        f"system:serviceaccount:team-a:{name.rsplit('/', 1)[1]}",
    )
    assert [one["user"] for one in asked] == [gateway, gateway, account, gateway, account]
    assert key["id"].startswith("team-a.k")


def test_an_access_key_is_printed_to_those_who_may_not_ask_for_rights(installed, sx):
    installed.refused = {("POST", "/subjectaccessreviews")}
    code, out, _ = sx("access-key", "create", "-n", "team-a", "--output", "json")
    assert code == 0
    assert json.loads(out)["secret"]
