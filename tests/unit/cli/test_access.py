"""The way to the gateway: which one, by which token or key, and what is said when that is refused."""

import json

import pytest

from serviceexecution.cli.cluster.gateway import GatewayService, public_url
from serviceexecution.cli.session import open_session

RELEASE = {"app.kubernetes.io/instance": "sx"}
ROLE = {"metadata": {"name": "sx-develop", "labels": {"serviceexecution.dev/role": "develop", **RELEASE}}}
SUBMIT = {"metadata": {"name": "sx-submit", "labels": {"serviceexecution.dev/role": "submit", **RELEASE}}}
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles/"
CLI_ACCOUNT = "/api/v1/namespaces/team-a/serviceaccounts/sx-cli"
CERTIFICATE = {"username": "stands for a client certificate: no token"}


@pytest.fixture
def without_token(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "other", user=CERTIFICATE)))
    del cluster.objects[CLI_ACCOUNT]
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


def test_who_may_make_no_role_binding_hears_it(without_token, sx):
    without_token.execution("plain")
    without_token.refused = {("POST", "/rolebindings")}
    assert "SX_ACCOUNT" in sx("logs", "plain")[2]
    assert CLI_ACCOUNT not in without_token.objects  # an account that is there has its role


def test_who_may_create_tokens_alone_needs_nothing_else(cluster, sx):
    cluster.execution("plain")
    cluster.refused = {("GET", "/serviceaccounts"), ("GET", "/rolebindings"), ("POST", "/rolebindings")}
    cluster.gateway_tokens = {"minted"}
    assert sx("logs", "plain")[0] == 0


def test_an_account_without_its_role_is_told_how_it_gets_it(cluster, sx):
    cluster.problem = (403, "Forbidden", "system:serviceaccount:team-a:sx-cli may not do that.")
    code, _, err = sx("run", "plot")
    assert code == 1
    assert "kubectl -n team-a create rolebinding sx-cli --clusterrole=sx-develop" in err


def test_the_account_may_be_named(cluster, sx, monkeypatch):
    cluster.execution("plain")
    cluster.objects["/api/v1/namespaces/people/serviceaccounts/jane"] = {}
    monkeypatch.setenv("SX_ACCOUNT", "people/jane")
    assert sx("logs", "plain")[0] == 0
    [(_, path, _, _)] = cluster.requests("POST", "/token")
    assert path == "/api/v1/namespaces/people/serviceaccounts/jane/token"
    monkeypatch.setenv("SX_ACCOUNT", "joe")
    assert "no ServiceAccount team-a/joe, which SX_ACCOUNT names" in sx("logs", "plain")[2]
    monkeypatch.setenv("SX_ACCOUNT", "../x")
    assert "SX_ACCOUNT must be" in sx("logs", "plain")[2]


def test_the_gateway_is_where_the_chart_puts_it(cluster, sx, monkeypatch):
    monkeypatch.delenv("SX_GATEWAY")
    cluster.execution("plain")
    code, _, err = sx("logs", "plain")
    assert code == 1
    assert "There is no gateway serviceexecution-system/serviceexecution-gateway in this cluster" in err
    assert "--gateway NAMESPACE/SERVICE" in err
    assert "SX_GATEWAY" in err


def test_the_gateway_may_be_named(cluster, sx, monkeypatch):
    cluster.execution("plain")
    cluster.refused = {("GET", "/api/v1/namespaces/sx-system/services")}  # to read it, not to go through it
    assert sx("logs", "plain")[2] == "sx: you may not get /api/v1/namespaces/sx-system/services. " + WAY
    cluster.refused = set()
    monkeypatch.setenv("SX_GATEWAY", "sx-system/another")
    assert sx("logs", "plain", "--gateway", "sx-system/sx-gateway")[0] == 0
    for nonsense in ("nonsense", "a/b/c", "../sx-gateway", "a/b:c:d", "a/b?", "A/b"):
        monkeypatch.setenv("SX_GATEWAY", nonsense)
        assert "SX_GATEWAY must be NAMESPACE/SERVICE" in sx("logs", "plain")[2]


WAY = "You need the way to the gateway, the Role sx-gateway-proxy in namespace sx-system.\n"


def test_a_named_gateway_is_in_the_way_back(cluster, sx, monkeypatch):
    monkeypatch.delenv("SX_GATEWAY")
    code, _, err = sx("run", "plot", "--gateway", "sx-system/sx-gateway", "--timeout", "50ms")
    assert code == 124
    assert " --gateway sx-system/sx-gateway -f" in err


def test_a_cluster_that_is_away(sx, cluster):
    cluster.close()
    code, _, err = sx("services")
    assert code == 1
    assert f"the cluster or the service cannot be reached at {cluster.url}: " in err


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
    cluster.objects[f"{ROLES}sx-submit"] = SUBMIT
    return cluster


def test_an_access_key_is_printed_when_its_rights_count(installed, sx):
    installed.rights = [False, True, False, True, True]
    code, out, _ = sx("access-key", "create", "-n", "team-a", "--output", "json")
    assert code == 0
    key = json.loads(out)
    assert out == f"{json.dumps(key, indent=2)}\n"
    asked = [
        json.loads(body)["spec"] for _, _, _, body in installed.requests("POST", "/subjectaccessreviews")
    ]
    [name] = [path for path in installed.objects if "/team-a/serviceaccounts/access-key-" in path]
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


def test_a_key_that_ends_too_soon_is_refused(installed, sx):
    code, _, err = sx("access-key", "create", "-n", "team-a", "--expires", "5m")
    assert code == 1
    assert "--expires must be at least 20m" in err
