"""Where the configuration comes from, and that a ServiceAccount's token is read again."""

import datetime

import pytest
from kubernetes.aio.config import incluster_config

from serviceexecution.kube import api_server
from serviceexecution.kube.errors import KubernetesError


async def test_nothing_there_is_one_sentence(tmp_path):
    with pytest.raises(KubernetesError, match=r"no kubeconfig at .*/missing"):
        await api_server.find_api_server({"KUBECONFIG": str(tmp_path / "missing")})


async def test_a_broken_kubeconfig_is_named(tmp_path):
    path = tmp_path / "kubeconfig"
    path.write_text("kind: Config\ncontexts: []\ncurrent-context: x\nclusters: []\nusers: []\n")
    with pytest.raises(KubernetesError, match="no usable Kubernetes configuration"):
        await api_server.find_api_server({"KUBECONFIG": str(path)})


async def test_in_cluster_token_is_read_again(tmp_path, monkeypatch):
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first\n")
    authority.write_text("x")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    environment = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    class NoTls:
        ssl_context = None

        def __init__(self, configuration) -> None:
            assert configuration.ssl_ca_cert == str(authority)

    monkeypatch.setattr(api_server, "RESTClientObject", NoTls)
    server = await api_server.find_api_server(environment)
    assert server.host == "https://10.96.0.1:443"
    assert await server.authorization() == "bearer first"
    token.write_text("second")

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + datetime.timedelta(seconds=61)

    monkeypatch.setattr(incluster_config.datetime, "datetime", Later)
    assert await server.authorization() == "bearer second"
    await server.close()
