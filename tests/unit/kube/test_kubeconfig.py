"""kubeconfig as kubectl reads it, and the credentials it names."""

import base64
import json
import ssl
import subprocess
import sys

import pytest
import yaml

from serviceexecution.kube.configuration.credentials import Credentials, credential_of
from serviceexecution.kube.configuration.kubeconfig import context_names, load_context
from serviceexecution.kube.configuration.tls import tls_context
from serviceexecution.kube.errors import KubeconfigError


def config(**user):
    return {
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1:6443/"}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u"}},
            {"name": "two", "context": {"cluster": "c", "user": "u", "namespace": "team-a"}},
        ],
    }


@pytest.fixture
def write(tmp_path):
    def write(document, name="config"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(document))
        return path

    return write


def load(*paths, name=None):
    return load_context(name, environment={"KUBECONFIG": ":".join(str(path) for path in paths)})


def test_the_current_context_or_the_one_that_is_named(write):
    path = write(config(token="t"))  # noqa: S106
    current = load(path)
    assert (current.name, current.namespace, current.cluster.server) == (
        "one",
        "default",
        "https://10.0.0.1:6443",
    )
    assert load(path, name="two").namespace == "team-a"
    assert context_names({"KUBECONFIG": str(path)}) == ["one", "two"]


def test_several_files_are_one_and_the_first_to_name_a_thing_wins(write, tmp_path):
    first = write({"current-context": "two", "users": [{"name": "u", "user": {"token": "first"}}]}, "first")
    second = write(config(token="second"), "second")  # noqa: S106
    found = load(tmp_path / "missing", first, second)
    assert (found.name, found.user.token) == ("two", "first")


def test_paths_are_relative_to_the_file_that_holds_them(write, tmp_path):
    document = config(tokenFile="token")
    document["clusters"][0]["cluster"]["certificate-authority"] = "ca.crt"
    path = write(document, "folder/config")
    (tmp_path / "folder" / "token").write_text("from-file\n")
    (tmp_path / "folder" / "ca.crt").write_text("PEM")
    found = load(path)
    assert found.cluster.ca == "PEM"
    assert Credentials(found).current().token == "from-file"  # noqa: S105


def test_data_stands_in_the_file(write):
    data = base64.b64encode(b"PEM").decode()
    document = config(**{"client-certificate-data": data, "client-key-data": data})
    found = load(write(document)).user
    assert (found.certificate, found.key, found.token) == ("PEM", "PEM", None)


def test_an_oidc_token_is_a_token(write):
    found = load(write(config(**{"auth-provider": {"name": "oidc", "config": {"id-token": "id"}}})))
    assert Credentials(found).current().token == "id"  # noqa: S105


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"current-context": ""}, "has no current context"),
        ({"current-context": "x"}, "has no context x"),
        ({"clusters": []}, "names no cluster with a server"),
    ],
)
def test_what_is_missing_is_named(write, change, message):
    with pytest.raises(KubeconfigError, match=message):
        load(write({**config(), **change}))


def test_no_file_and_no_yaml(write, tmp_path):
    with pytest.raises(KubeconfigError, match="There is no kubeconfig at"):
        load(tmp_path / "nothing")
    (tmp_path / "bad").write_text("a: [")
    with pytest.raises(KubeconfigError, match="cannot be read"):
        load(tmp_path / "bad")


def plugin(tmp_path, text, **settings):
    script = tmp_path / "plugin.py"
    script.write_text(text)
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(script)],
        **settings,
    }


def test_a_plugin_is_asked_once_and_again_when_its_token_ends(write, tmp_path):
    text = (
        "import json, os, pathlib\n"
        "count = pathlib.Path(os.environ['COUNT']); count.write_text(count.read_text() + 'x')\n"
        "info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "assert info['spec']['cluster']['server'] == 'https://10.0.0.1:6443', info\n"
        "print(json.dumps({'status': {'token': count.read_text(), 'expirationTimestamp': '2026-01-01T00:10:00Z'}}))\n"
    )
    (tmp_path / "count").write_text("")
    env = [{"name": "COUNT", "value": str(tmp_path / "count")}]
    found = load(write(config(exec=plugin(tmp_path, text, env=env, provideClusterInfo=True))))
    now = [1767225600.0]  # 2026-01-01T00:00:00Z
    credentials = Credentials(found, clock=lambda: now[0])
    assert [credentials.current().token, credentials.current().token] == ["x", "x"]
    now[0] += 590
    assert credentials.current().token == "xx"  # noqa: S105


def test_a_plugin_that_fails_or_is_not_there(write, tmp_path):
    found = load(write(config(exec=plugin(tmp_path, "raise SystemExit(3)"))))
    with pytest.raises(KubeconfigError, match="ended with exit code 3"):
        Credentials(found).current()
    missing = {"command": "no-such-plugin", "installHint": "Get it."}
    with pytest.raises(KubeconfigError, match=r"no-such-plugin cannot be started: .* Get it\."):
        Credentials(load(write(config(exec=missing)))).current()


@pytest.mark.parametrize(
    "answer", ["", "[]", "{}", '{"status": {}}', '{"status": {"expirationTimestamp": "x"}}']
)
def test_what_a_plugin_may_not_answer(answer):
    with pytest.raises(KubeconfigError, match="plugin p"):
        credential_of(answer, "p")


def test_a_relative_plugin_lies_beside_the_file(write, tmp_path):
    found = load(write(config(exec={"command": "./bin/plugin"}), "folder/config"))
    assert found.user.exec_plugin.command == str(tmp_path / "folder" / "bin" / "plugin")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    argv = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=x",
    ]
    subprocess.run(
        [*argv, "-keyout", folder / "key", "-out", folder / "crt"], check=True, capture_output=True
    )
    return {name: base64.b64encode((folder / name).read_bytes()).decode() for name in ("key", "crt")}


def test_tls_as_the_file_says(write, certificate, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    document = config(
        **{"client-certificate-data": certificate["crt"], "client-key-data": certificate["key"]}
    )
    document["clusters"][0]["cluster"] |= {
        "certificate-authority-data": certificate["crt"],
        "insecure-skip-tls-verify": True,
        "tls-server-name": "kubernetes",
    }
    found = load(write(document))
    context = tls_context(found.cluster, Credentials(found).current())
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert len(context.get_ca_certs()) == 1
    assert not list(tmp_path.glob("kubeconfig-*"))  # the key is gone from the disk


def test_certificates_that_cannot_be_used(write):
    document = config()
    document["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(b"no PEM").decode()
    found = load(write(document))
    with pytest.raises(KubeconfigError, match="certificates cannot be used"):
        tls_context(found.cluster, Credentials(found).current())


def test_in_a_pod_its_own_account_is_used(monkeypatch, tmp_path):
    for name in ("token", "ca.crt", "namespace"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr("serviceexecution.kube.configuration.kubeconfig._ACCOUNT", tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = load_context(environment={"KUBERNETES_SERVICE_HOST": "::1", "KUBERNETES_SERVICE_PORT": "443"})
    assert (found.cluster.server, found.namespace) == ("https://[::1]:443", "namespace")
    assert json.dumps(Credentials(found).current().token) == '"token"'
