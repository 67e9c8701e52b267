"""What the tools are told of registries, and what is asked of a registry itself."""

import base64
import http.server
import json
import threading
import tomllib
from dataclasses import dataclass, field

import pytest

from serviceexecution.builder.registry.client import RegistryClient, registry_access, speaks_tls
from serviceexecution.builder.registry.configuration import (
    RegistryAccess,
    buildkitd_configuration,
    registries_configuration,
)
from serviceexecution.builder.request import Registry
from serviceexecution.builder.tools.tool import manifest_size

PUSH = "registry.example:5000"
ACCESS = RegistryAccess(
    Registry((PUSH,), {"docker.io": f"{PUSH}/docker.io", PUSH: f"{PUSH}/own"}, login=False), {PUSH: True}
)


def test_buildkitd_is_told_of_mirrors_and_plain_http():
    found = tomllib.loads(buildkitd_configuration(ACCESS))

    assert found["registry"]["docker.io"] == {"mirrors": [f"{PUSH}/docker.io"]}
    # not both of http and insecure: BuildKit then tries TLS too, and reports that error
    assert found["registry"][PUSH] == {"mirrors": [f"{PUSH}/own"], "http": True}


def test_buildkitd_with_tls_that_is_not_verified():
    access = RegistryAccess(Registry((PUSH,), {}, login=False), {PUSH: False})

    assert tomllib.loads(buildkitd_configuration(access)) == {"registry": {PUSH: {"insecure": True}}}


def test_buildah_is_told_of_mirrors_and_plain_http():
    found = tomllib.loads(registries_configuration(ACCESS))

    assert found["unqualified-search-registries"] == ["docker.io"]
    assert found["registry"] == [
        {
            "location": "docker.io",
            "mirror": [{"location": f"{PUSH}/docker.io", "insecure": True}],
        },
        {
            "location": PUSH,
            "insecure": True,
            "mirror": [{"location": f"{PUSH}/own", "insecure": True}],
        },
    ]


def test_names_cannot_break_out_of_the_files():
    registry = Registry(('a"]\n[x',), {'b"\n': 'c"\n'}, login=False)
    access = RegistryAccess(registry, {'a"]\n[x': True})

    assert set(tomllib.loads(buildkitd_configuration(access))["registry"]) == {'a"]\n[x', 'b"\n'}
    assert len(tomllib.loads(registries_configuration(access))["registry"]) == 2


@pytest.mark.parametrize(
    ("manifest", "size"),
    [
        ('{"layers": [{"size": 3}, {"size": 4}, {"size": "x"}, 7]}', 7),
        ('{"layers": []}', 0),
        ('{"manifests": []}', None),
        ("[]", None),
        ("", None),
    ],
)
def test_the_size_of_an_image(manifest, size):
    assert manifest_size(manifest) == size


@dataclass
class FakeRegistry:
    """Answers by method; ``seen`` are method, path, Authorization."""

    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    token: str = ""
    basic: str = ""
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    host: str = ""

    def answer(self, handler):
        handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        given = handler.headers.get("Authorization", "")
        self.seen.append((handler.command, handler.path, given))
        if handler.path.startswith("/token"):
            return self._send(handler, 200 if given == self.basic else 401, json.dumps({"token": self.token}))
        if self.token and given != f"Bearer {self.token}":
            realm = f'Bearer realm="http://{self.host}/token",service="r",scope="repository:x:pull,push"'
            return self._send(handler, 401, "{}", {"WWW-Authenticate": realm})
        status, text = self.answers.get(handler.command, (202, ""))
        return self._send(handler, status, text, {"Location": f"http://{self.host}/upload?state=1"})

    def _send(self, handler, status, text, headers=None):
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())


@pytest.fixture
def registry():
    fake = FakeRegistry()

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.answer(self)

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    fake.host = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield fake
    server.shutdown()
    server.server_close()


def client(registry, login=None):
    access = registry_access(Registry((registry.host,), {}, login=login is not None))
    return RegistryClient(f"{registry.host}/team/x:r1", access, login, None)


def login_file(registry, tmp_path):
    registry.basic = "Basic " + base64.b64encode(b"robot:secret").decode()
    auths = {f"https://{registry.host}": {"auth": registry.basic.removeprefix("Basic ")}}
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"auths": auths}))
    return path


def test_plain_http_is_found_out(registry):
    assert not speaks_tls(registry.host)
    assert not speaks_tls("127.0.0.1:9")
    assert registry_access(Registry((registry.host,), {}, login=False)).plain_http == {registry.host: True}


def test_an_upload_that_goes_well_is_taken_back(registry):
    assert client(registry).trial_upload() == ""

    assert [(method, path) for method, path, _ in registry.seen] == [
        ("POST", "/v2/team/x/blobs/uploads/"),
        ("PATCH", "/upload?state=1"),
        ("DELETE", "/upload?state=1"),
    ]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_the_registry_says_against_an_upload(registry, method):
    registry.answers = {method: (500, '{"errors":[{"detail":{"Err":28}}]}')}

    assert client(registry).trial_upload() == '500 {"errors":[{"detail":{"Err":28}}]}'


def test_a_registry_that_is_away(registry):
    registry.host = "127.0.0.1:9"

    assert "refused" in client(registry).trial_upload()
    assert client(registry).manifest("sha256:x") == ""


def test_a_login_is_shown_to_the_registry(registry, tmp_path):
    path = login_file(registry, tmp_path)

    client(registry, path).trial_upload()

    assert {given for _, _, given in registry.seen} == {registry.basic}


def test_a_login_for_a_token(registry, tmp_path):
    registry.token = "abc"  # noqa: S105
    registry.answers = {"GET": (200, '{"layers": [{"size": 5}]}')}
    path = login_file(registry, tmp_path)

    assert manifest_size(client(registry, path).manifest("sha256:x")) == 5
    assert registry.seen[1][1] == "/token?service=r&scope=repository%3Ax%3Apull%2Cpush"
    assert registry.seen[-1] == ("GET", "/v2/team/x/manifests/sha256:x", "Bearer abc")


def test_no_token_to_be_had(registry):
    registry.token, registry.basic = "abc", "Basic other"

    assert client(registry).manifest("sha256:x") == ""
