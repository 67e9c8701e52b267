"""Where the configuration comes from, and that a ServiceAccount's token is read again."""

import ssl
import sys

import pytest
import yaml

from serviceexecution.kube.configuration.api_server import find_api_server
from serviceexecution.kube.errors import KubernetesError

IN_POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def account(tmp_path, monkeypatch, authority):
    """The folder of a ServiceAccount."""
    monkeypatch.setattr("serviceexecution.kube.configuration.kubeconfig._ACCOUNT", tmp_path)
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "ca.crt").write_text(authority)
    return tmp_path


@pytest.fixture(scope="module")
def authority():
    return ssl.DER_cert_to_PEM_cert(ssl.create_default_context().get_ca_certs(binary_form=True)[0])


@pytest.fixture
def write(tmp_path):
    def write(**user):
        document = {
            "current-context": "one",
            "clusters": [{"name": "c", "cluster": {"server": "http://10.0.0.1:8080/"}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
        }
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(document))
        return {"KUBECONFIG": str(path)}

    return write


async def test_nothing_there_is_one_sentence(tmp_path):
    with pytest.raises(KubernetesError, match=r"no kubeconfig at .*/missing"):
        await find_api_server({"KUBECONFIG": str(tmp_path / "missing")})


async def test_a_broken_kubeconfig_is_named(tmp_path):
    path = tmp_path / "kubeconfig"
    path.write_text("kind: Config\ncontexts: []\ncurrent-context: x\nclusters: []\nusers: []\n")
    with pytest.raises(KubernetesError, match="no usable Kubernetes configuration"):
        await find_api_server({"KUBECONFIG": str(path)})


async def test_in_cluster_token_is_read_again_after_a_minute(account):
    now = [1000.0]
    server = await find_api_server(IN_POD, clock=lambda: now[0])
    assert server.cluster.server == "https://10.96.0.1:443"
    assert server.ssl_context.verify_mode is ssl.CERT_REQUIRED
    assert len(server.ssl_context.get_ca_certs()) == 1
    assert await server.authorization() == "Bearer first"
    (account / "token").write_text("second")
    now[0] += 59
    assert await server.authorization() == "Bearer first"
    now[0] += 2
    assert await server.authorization() == "Bearer second"
    (account / "token").write_text("")
    now[0] += 61
    with pytest.raises(KubernetesError, match="token is empty") as caught:
        await server.authorization()
    assert caught.value.retriable  # the file is being written


@pytest.mark.parametrize(("name", "text"), [("token", ""), ("ca.crt", ""), ("ca.crt", None), ("ca.crt", "x")])
async def test_an_account_that_cannot_be_used(account, name, text):
    (account / name).unlink() if text is None else (account / name).write_text(text)
    with pytest.raises(KubernetesError, match="no usable Kubernetes configuration"):
        await find_api_server(IN_POD)


async def test_the_account_comes_before_a_kubeconfig(account, write):
    assert (await find_api_server({**IN_POD, **write()})).cluster.server == "https://10.96.0.1:443"


async def test_a_plugin_and_impersonation(write, tmp_path):
    text = "import json; print(json.dumps({'status': {'token': 'given'}}))"
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", text],
    }
    server = await find_api_server(write(exec=plugin, **{"as": "alice"}))
    assert await server.authorization() == "Bearer given"
    assert server.impersonation == (("Impersonate-User", "alice"),)
    assert server.ssl_context is None
