"""Signing in at an identity provider (OpenID Connect), in the browser."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from serviceexecution.gateway.identity_provider import IdentityProvider as Provider
from serviceexecution.kube.client import TokenIdentity
from tests.console.harness import Console
from tests.support.identity_provider import CLIENT, USER, IdentityProvider, identity_provider
from tests.support.polling import poll_until
from tests.support.served_gateway import ServedGateway
from tests.unit.gateway.service_api.service_cluster import NAMESPACE

LIST = f"/n/{NAMESPACE}/executions"


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[IdentityProvider]:
    (tmp_path / "provider").mkdir()
    with identity_provider(tmp_path / "provider") as provider:
        yield provider


@pytest.fixture
def signing_in(
    tmp_path: Path, built: Path, browser: Browser, provider: IdentityProvider
) -> Iterator[Console]:
    """Return the console of a gateway that knows the provider, whose tokens its cluster takes."""
    told = Provider(provider.issuer, CLIENT, ("openid", "email"))
    with ServedGateway(tmp_path, console_directory=str(built), console_open_id_connect=told) as gateway:
        made = provider.token

        def token(**claims: Any) -> str:
            text = made(**claims)
            gateway.service.cluster.tokens[text, None] = TokenIdentity(f"oidc:{USER}")
            return text

        provider.token = token  # type: ignore[method-assign]
        with Console(browser, gateway, ignore_https_errors=True) as console:
            yield console


def _button(console: Console, provider: IdentityProvider):
    return console.page.get_by_role("button", name=f"Sign in with {urlsplit(provider.issuer).netloc}")


def _storage(console: Console) -> str:
    kept: str = console.page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )
    return kept


def test_somebody_signs_in_and_comes_back_to_the_page_that_they_asked_for(signing_in, provider):
    console = signing_in
    console.open(f"{LIST}?status=RUNNING")
    expect(_button(console, provider)).to_be_visible()
    console.check()
    _button(console, provider).click()
    expect(console.page.get_by_text("No execution fits these filters.")).to_be_visible()
    assert console.page.url == f"{console.gateway.address}/console/#{LIST}?status=RUNNING"
    assert _storage(console) == '[{},{},""]'
    assert console.complaints == []
    (asked,) = provider.asked
    assert (asked["code_challenge_method"], asked["redirect_uri"]) == (
        "S256",
        f"{console.gateway.address}/console/",
    )
    origins = {urlsplit(request.url).netloc for request in console.requests if request.url.startswith("http")}
    assert origins == {urlsplit(console.gateway.address).netloc, urlsplit(provider.issuer).netloc}
    tokens = [request.headers.get("authorization", "") for request in console.requests]
    assert any(tokens), "requests to the gateway carry the token"
    sent = [one.url for one in console.requests if one.headers.get("authorization")]
    assert all(url.startswith(console.gateway.address) for url in sent), "and no other does"
    console.page.get_by_role("button", name="Sign out").click()
    expect(_button(console, provider)).to_be_visible()
    console.page.reload()
    expect(_button(console, provider)).to_be_visible()


def test_a_sign_in_that_has_ended_says_so_and_goes_on_where_it_was(signing_in, provider):
    console = signing_in
    provider.claims["exp"] = int(time.time()) + 4
    console.open(LIST)
    _button(console, provider).click()
    expect(console.page.get_by_text("Your sign-in has ended.")).to_be_visible()
    provider.claims.clear()
    _button(console, provider).click()
    expect(console.page.get_by_role("heading", name="Executions")).to_be_visible()
    assert console.page.url.endswith(f"/console/#{LIST}")


def test_a_page_that_is_left_open_stays_signed_in_where_the_provider_gives_refresh_tokens(
    signing_in, provider
):
    console = signing_in
    provider.refreshes = True
    provider.claims["exp"] = int(time.time()) + 8
    console.open(LIST)
    _button(console, provider).click()
    expect(console.page.get_by_role("heading", name="Executions")).to_be_visible()
    (first,) = provider.refresh_tokens
    provider.claims.clear()
    poll_until(lambda: provider.refreshed == 1, seconds=30, what="the token is renewed")
    name = console.submit()
    console.go(f"{LIST}/{name}")
    expect(console.page.get_by_role("heading", level=1)).to_have_text("It waits to be started.")
    assert _storage(console) == '[{},{},""]'
    sent = [one.url for one in console.requests if first in (one.post_data or "")]
    assert sent == [f"{provider.issuer}/token"]
    assert not [
        one for one in console.requests if one.url.startswith(provider.issuer) and "/auth" in one.url
    ][1:]
    assert console.complaints == []


def test_what_the_provider_answers_is_shown_as_text(signing_in, provider):
    console = signing_in
    provider.refusal = {"error": "access_denied", "error_description": "<img src=x onerror=alert(1)>Not you"}
    console.open(LIST)
    _button(console, provider).click()
    expect(console.page.get_by_role("alert")).to_contain_text(
        "<img src=x onerror=alert(1)>Not you (access_denied)."
    )
    assert console.page.locator("main img").count() == 0
    assert "error" not in console.page.url
    console.check()


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"nonce": "another"}, "not of this sign-in"),
        ({"iss": "https://127.0.0.1:1"}, "not of this sign-in"),
        ({"aud": "another"}, "not of this sign-in"),
        ({"exp": 1}, "not valid at the time"),
    ],
)
def test_a_token_of_another_sign_in_is_not_used(signing_in, provider, claims, sentence):
    console = signing_in
    provider.claims.update(claims)
    console.open(LIST)
    _button(console, provider).click()
    expect(console.page.get_by_role("alert")).to_contain_text(sentence)
    assert not [one for one in console.requests if one.headers.get("authorization")]


def test_a_code_of_somebody_else_signs_nobody_in(signing_in, provider):
    """A link with an attacker's code would have its victim work in the attacker's name."""
    console = signing_in
    console.page.goto(f"{console.gateway.address}/console/?code=theirs&state=theirs#{LIST}")
    expect(console.page.get_by_role("alert")).to_contain_text(
        "belongs to no sign-in that was begun on this page"
    )
    assert console.page.url == f"{console.gateway.address}/console/#{LIST}"
    assert not [one for one in console.requests if one.url.startswith(provider.issuer)]


def test_a_cluster_that_does_not_take_the_token_is_named_as_the_reason(signing_in, provider):
    console = signing_in
    console.gateway.service.cluster.tokens = _Nobody()
    console.open(LIST)
    _button(console, provider).click()
    expect(console.page.get_by_role("alert")).to_contain_text("API server's authentication configuration")


def test_a_provider_that_is_away_is_named(signing_in, provider):
    console = signing_in
    console.open(LIST)
    console.page.route(f"{provider.issuer}/**", lambda route: route.abort())
    _button(console, provider).click()
    expect(console.page.get_by_role("alert")).to_contain_text("could not be asked: it cannot be reached")


class _Nobody(dict[tuple[str, str | None], TokenIdentity]):
    """The tokens of a cluster that takes none."""

    def get(self, *_):
        return None
