"""The console's files as the gateway sends them."""

import re

import httpx
import pytest

from serviceexecution.gateway.identity_provider import IdentityProvider
from tests.unit.gateway.service_api.service_harness import Service

PROVIDER = IdentityProvider("https://ID.example.com:8443/realm", "console", ("openid", "email"))


@pytest.fixture
def settings():
    """Return what the gateway is told beside its console's files."""
    return {}


@pytest.fixture
async def console(tmp_path, settings):
    built = tmp_path / "built"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text('<meta property="csp-nonce" nonce="%NONCE%">')
    (built / "assets" / "index-1.js").write_text("run()")
    (built / "assets" / "index-1.js.gz").write_bytes(b"smaller")
    (built / "secret.js").write_text("no asset")
    service = Service(tmp_path / "store", console_directory=str(built), **settings)
    async with httpx.AsyncClient(transport=service.http._transport, base_url="http://gateway") as http:
        yield http
    await service.schemas.close()


async def test_the_page_is_asked_for_each_time_and_runs_nothing_but_its_own_files(console):
    answers = [await console.get("/console/") for _ in range(2)]
    policies = [answer.headers["content-security-policy"] for answer in answers]
    nonces = [re.search(r'nonce="([\w-]+)"', answer.text)[1] for answer in answers]
    assert nonces[0] != nonces[1]
    assert all(f"'nonce-{nonce}'" in policy for nonce, policy in zip(nonces, policies, strict=True))
    directives = dict(part.strip().split(" ", 1) for part in policies[0].split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["connect-src"] == "'self'"
    assert "unsafe" not in policies[0]
    assert (answers[0].headers["cache-control"], answers[0].status_code) == ("no-cache", 200)


async def test_a_file_is_kept_by_browsers_for_ever_and_comes_compressed(console):
    answer = await console.get("/console/assets/index-1.js", headers={"Accept-Encoding": "identity"})
    assert answer.text == "run()"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    head = await console.head("/console/assets/index-1.js", headers={"Accept-Encoding": "gzip"})
    assert (head.headers["content-encoding"], head.headers["content-length"]) == ("gzip", "7")
    assert head.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "name", ["../secret.js", "%2e%2e%2fsecret.js", "secret.js", "index-1.js.gz", "index.html"]
)
async def test_only_built_files_are_sent(console, name):
    assert (await console.get(f"/console/assets/{name}")).status_code == 404


async def test_the_address_without_a_slash_leads_to_the_page_whatever_stands_before_it(console):
    answer = await console.get("/console")
    assert (answer.status_code, answer.headers["location"]) == (307, "console/")


async def test_nobody_is_signed_in_by_the_gateway(console):
    assert (await console.get("/console/session.json")).json() == {"signedIn": False}


@pytest.mark.parametrize("settings", [{"console_open_id_connect": PROVIDER}])
async def test_the_page_is_told_of_the_identity_provider_and_may_ask_its_origin_and_no_other(console):
    told = {"issuer": PROVIDER.issuer, "clientId": "console", "scopes": ["openid", "email"]}
    assert (await console.get("/console/session.json")).json() == {"signedIn": False, "openIdConnect": told}
    policy = (await console.get("/console/")).headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives.pop("connect-src") == "'self' https://id.example.com:8443"
    assert all("example" not in allowed for allowed in directives.values())
    assert (directives["script-src"], directives["form-action"]) == ("'self'", "'none'")


async def test_without_built_files_there_is_no_console(tmp_path):
    for directory in ("", str(tmp_path / "missing")):
        service = Service(tmp_path / "store", console_directory=directory)
        assert (await service.http.get("/console/")).status_code == 404
        await service.schemas.close()
