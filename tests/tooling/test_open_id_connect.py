"""Signing in to the console at Dex, in a browser, with a token that a real API server takes; and what it refuses."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, expect, sync_playwright

from cluster.console_files import bundle
from cluster.images.binaries import IDENTITY_PROGRAMS, build_all
from cluster.node.packages import BROWSER, install_missing
from cluster.settings import CHECKOUT, cache_home
from serviceexecution.gateway.access.tokens import SERVICE_AUDIENCE
from tests.support.certificates import write_certificate
from tests.support.identity_provider import CLIENT, USER, IdentityProvider, identity_provider
from tests.support.identity_tokens import BAD, bad_token
from tests.support.lone_api_server import HOST, LoneApiServer, lone_api_server
from tests.support.polling import poll_until
from tests.support.store_servers import free_port

NAMESPACE: Final = "team-a"
PASSWORD: Final = "correct horse"  # noqa: S105 - of a user who exists only here


@contextlib.contextmanager
def running(argv: list[str], log: Path, ready: str, **environment: str) -> Iterator[None]:
    """Run a server until the end of the block, from when it answers at the address ``ready``."""
    with log.open("wb") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output, env={**os.environ, **environment})

    def answers() -> bool:
        assert process.poll() is None, log.read_text()[-3000:]
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(ready, verify=False).status_code == httpx.codes.OK  # noqa: S501
        return False

    try:
        poll_until(answers, seconds=60, what=ready)
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    """Return a provider that makes every token that it is asked for."""
    with identity_provider(tmp_path_factory.mktemp("own")) as provider:
        yield provider


@pytest.fixture(scope="module")
def console_port() -> int:
    return free_port(HOST)


@pytest.fixture(scope="module")
def dex(tmp_path_factory: pytest.TempPathFactory, console_port: int) -> Iterator[tuple[str, Path]]:
    """Return the issuer of a Dex that knows one user and the console, and its certificate."""
    directory, port = tmp_path_factory.mktemp("dex"), free_port(HOST)
    write_certificate(directory)
    issuer, console = f"https://{HOST}:{port}/dex", f"http://{HOST}:{console_port}"
    program = build_all(cache_home(), IDENTITY_PROGRAMS) / "dex"
    options = {
        "listen": f"{HOST}:{port}",
        "certificate": str(directory / "tls.crt"),
        "key": str(directory / "tls.key"),
        "issuer": issuer,
        "client": CLIENT,
        "redirect": f"{console}/console/",
        "origin": console,
        "email": USER,
    }
    argv = [str(program), *(f"-{name}={value}" for name, value in options.items())]
    ready = f"{issuer}/.well-known/openid-configuration"
    with running(argv, directory / "log", ready, DEX_PASSWORD=PASSWORD):
        yield issuer, directory / "tls.crt"


def authenticator(issuer: str, certificate: Path, prefix: str) -> dict[str, object]:
    return {
        "issuer": {"url": issuer, "audiences": [CLIENT], "certificateAuthority": certificate.read_text()},
        "claimMappings": {"username": {"claim": "email", "prefix": prefix}},
    }


@pytest.fixture(scope="module")
def api_server(
    tmp_path_factory: pytest.TempPathFactory, own: IdentityProvider, dex: tuple[str, Path]
) -> Iterator[LoneApiServer]:
    """Return an API server that takes the tokens of both, with our kinds, and ada's rights in one namespace."""
    configuration = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [authenticator(own.issuer, own.certificate, "oidc:"), authenticator(*dex, "dex:")],
    }
    programs = build_all(cache_home(), ("kubernetes", "etcd"))
    text = yaml.safe_dump(configuration)
    with lone_api_server(programs, tmp_path_factory.mktemp("api"), text) as server:
        server.kubectl("create", "--filename", str(CHECKOUT / "crds"))
        manifests = yaml.safe_load_all((CHECKOUT / "manifests" / "install.yaml").read_text())
        (view,) = (one for one in manifests if one["metadata"]["name"] == "serviceexecution-view")
        server.kubectl("create", "--filename", "-", stdin=json.dumps(view))
        for name in (NAMESPACE, "team-b"):
            server.kubectl("create", "namespace", name)
        users = [f"--user={prefix}:{USER}" for prefix in ("oidc", "dex")]
        role = f"--clusterrole={view['metadata']['name']}"
        server.kubectl("--namespace", NAMESPACE, "create", "rolebinding", "console", role, *users)
        server.kubectl("--namespace", NAMESPACE, "create", "serviceaccount", "robot")
        # It learns the keys of an issuer a moment after its start
        poll_until(
            lambda: review(server, own.token()).get("authenticated") is True,
            seconds=60,
            what="the API server takes the provider's tokens",
        )
        yield server


def review(server: LoneApiServer, token: str, *audiences: str) -> dict[str, Any]:
    """Return the status of a TokenReview."""
    spec = {"token": token, **({"audiences": list(audiences)} if audiences else {})}
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
    answer = server.kubectl("create", "--filename", "-", "--output", "json", stdin=json.dumps(asked))
    status: dict[str, Any] = json.loads(answer)["status"]
    return status


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory,
    api_server: LoneApiServer,
    dex: tuple[str, Path],
    console_port: int,
) -> Iterator[str]:
    """Return the address of a gateway with the console, over that API server."""
    directory = tmp_path_factory.mktemp("gateway")
    address = f"http://{HOST}:{console_port}"
    environment = {
        "PYTHONPATH": str(CHECKOUT / "operator"),
        "KUBECONFIG": str(api_server.kubeconfig),
        "SX_STORE_URL": f"file://{directory}/store",
        "SX_CLUSTER_ID": "lone",
        "SX_PORT": str(console_port),
        "SX_METRICS_PORT": str(free_port(HOST)),
        "SX_CONSOLE_DIRECTORY": str(bundle(cache_home())),
        "SX_CONSOLE_OPEN_ID_CONNECT": json.dumps(
            {"issuer": dex[0], "clientId": CLIENT, "scopes": ["openid", "email"]}
        ),
    }
    (directory / "store").mkdir()
    argv = [sys.executable, "-m", "serviceexecution.gateway.main"]
    with running(argv, directory / "log", f"{address}/readyz", **environment):
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    install_missing(BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER["chromium"][0], args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def status_of(gateway: str, token: str, namespace: str = NAMESPACE) -> int:
    """Return how the gateway answers somebody who asks for executions with that token."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.get(f"{gateway}/platform/{namespace}/service-executions", headers=headers)
    return answer.status_code


def test_an_api_server_takes_a_provider_s_token_as_one_for_itself_and_for_nobody_else(
    api_server: LoneApiServer, own: IdentityProvider
) -> None:
    status = review(api_server, own.token())
    assert status["user"]["username"] == f"oidc:{USER}"
    assert status["audiences"] == ["https://kubernetes.default.svc.cluster.local"]
    for audience in (CLIENT, SERVICE_AUDIENCE):
        assert review(api_server, own.token(), audience).get("authenticated") is not True


@pytest.mark.parametrize("which", BAD)
def test_a_token_that_is_not_the_console_s_opens_nothing(
    gateway: str, own: IdentityProvider, which: str
) -> None:
    assert status_of(gateway, bad_token(own, which)) == httpx.codes.UNAUTHORIZED


def test_a_token_of_the_provider_opens_what_rbac_says(gateway: str, own: IdentityProvider) -> None:
    assert status_of(gateway, own.token()) == httpx.codes.OK
    assert status_of(gateway, own.token(), "team-b") == httpx.codes.FORBIDDEN
    assert status_of(gateway, own.token(email="eve@example.com")) == httpx.codes.FORBIDDEN
    assert status_of(gateway, own.token(aud=[CLIENT, SERVICE_AUDIENCE])) == httpx.codes.UNAUTHORIZED


def test_an_account_s_token_is_good_only_for_whom_it_was_made(
    gateway: str, api_server: LoneApiServer
) -> None:
    def token(*words: str) -> str:
        return api_server.kubectl("--namespace", NAMESPACE, "create", "token", "robot", *words).strip()

    for audience in (CLIENT, "vault"):
        assert status_of(gateway, token(f"--audience={audience}")) == httpx.codes.UNAUTHORIZED
    # One for the API server is the account's, as everywhere: robot has no rights
    assert status_of(gateway, token()) == httpx.codes.FORBIDDEN


def test_somebody_signs_in_at_dex_and_is_who_the_api_server_says(
    browser: Browser, gateway: str, dex: tuple[str, Path]
) -> None:
    page = browser.new_context(ignore_https_errors=True).new_page()
    page.set_default_timeout(20_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"{gateway}/console/#/n/{NAMESPACE}/executions?status=RUNNING")
    page.get_by_role("button", name=f"Sign in with {dex[0].split('/')[2]}").click()
    page.locator("#login").fill(USER)
    page.locator("#password").fill(PASSWORD)
    page.locator("#submit-login").click()
    expect(page.get_by_text("No execution fits these filters.")).to_be_visible()
    assert page.url == f"{gateway}/console/#/n/{NAMESPACE}/executions?status=RUNNING"
    page.evaluate("location.hash = '/n/team-b/executions'")
    sentence = f"dex:{USER} may not list serviceexecutions in namespace team-b."
    expect(page.get_by_role("alert")).to_contain_text(sentence)
    assert not [line for line in said if "Content Security Policy" in line or "CORS" in line]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
