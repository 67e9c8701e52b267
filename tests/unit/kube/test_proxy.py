"""The proxy of the environment, and what else of it requests must not meet."""

import pytest

from serviceexecution.kube.configuration.proxy import environment_proxy
from serviceexecution.kube.kinds import JOBS

SERVER = "https://10.96.0.1:443"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_without_variables_there_is_none():
    assert environment_proxy(SERVER) is None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"HTTPS_PROXY": "proxy:3128"}, "http://proxy:3128"),
        ({"HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:2"}, "http://b:2"),
        ({"HTTP_PROXY": "http://proxy:3128"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "example.com, 10.96.0.1"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "example.com,10.96.0.0/12"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "192.168.0.0/16,odd/net"}, "http://proxy:3128"),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}, None),
    ],
)
def test_the_environment_names_it(monkeypatch: pytest.MonkeyPatch, variables, expected):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(SERVER) == expected


@pytest.mark.parametrize(
    ("address", "excepted"),
    [("https://api.example.com", "example.com"), ("https://[fd00::1]:6443", "fd00::/8")],
)
def test_names_and_networks_of_any_kind_are_excepted(monkeypatch: pytest.MonkeyPatch, address, excepted):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert environment_proxy(address) == "http://proxy:3128"
    monkeypatch.setenv("NO_PROXY", excepted)
    assert environment_proxy(address) is None


async def test_a_password_in_netrc_is_not_for_the_api_server(client, api, tmp_path, monkeypatch):
    """Beside our own Authorization aiohttp refuses a password of ~/.netrc, which it looks up if it may."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    api.always(200, {"metadata": {"name": "a"}})
    assert await client.get(JOBS, "ns", "a") == {"metadata": {"name": "a"}}
    assert api.headers[0]["Authorization"] == "Bearer sesame"


async def test_a_request_waits_for_no_thread(client, api, monkeypatch):
    """Threads are shared with what may hang, such as a store; and each hop costs as much as the request's own work."""

    def refuse(*_: object) -> None:
        raise AssertionError("a request has asked a thread")

    api.always(200, {"metadata": {"name": "a"}})
    await client.get(JOBS, "ns", "a")
    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.run_in_executor", refuse)
    assert await client.get(JOBS, "ns", "a") is not None
