"""The proxy of ``sx console``: what it adds, and whom it lets through."""

import http.client
import json
import threading
from urllib.parse import urlsplit

import httpx
import pytest

from serviceexecution.cli.browser.proxy import ConsoleProxy
from serviceexecution.cli.client.channel import Channel

TOKEN = {"X-ServiceExecution-Authorization": "Bearer short"}


class Caller:
    forgot = False

    def headers(self):
        return TOKEN

    def forget(self):
        self.forgot = True

    def explain(self, refused):
        return ""


class Cut(httpx.SyncByteStream):
    """A body whose connection breaks when most of it has come."""

    def __iter__(self):
        yield b"x" * 190
        raise httpx.ReadError("reset")


@pytest.fixture
def asked():
    return []


@pytest.fixture
def proxy(asked):
    def answer(request):
        asked.append((request, request.read()))
        status = 401 if request.url.path.endswith("/refused") else 200
        if request.url.path.endswith("/cut"):
            return httpx.Response(200, headers={"Content-Length": "200"}, stream=Cut())
        headers = {"Content-Security-Policy": "default-src 'none'", "Set-Cookie": "a=b"}
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(b"page"))

    client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://cluster")
    with client, ConsoleProxy(Channel("/api/v1/proxy", client, Caller()), "team-a") as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


def ask(proxy, path, method="GET", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(proxy.url).port, timeout=10)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, given)
    answer = connection.getresponse()
    given_back = {name.lower(): value for name, value in answer.getheaders()}
    found = answer.status, given_back, answer.read().decode()
    connection.close()
    return found


def test_a_request_goes_on_with_the_token_and_without_what_else_the_browser_knows(proxy, asked):
    status, headers, text = ask(
        proxy,
        f"{proxy.prefix}/services/a/b?limit=1",
        "POST",
        b"{}",
        Authorization="Bearer mine",
        Cookie="c=d",
        Content_Type="application/json",
    )
    assert (status, text) == (200, "page")
    assert headers["content-security-policy"] == "default-src 'none'"
    assert "set-cookie" not in headers
    request, body = asked[0]
    assert (str(request.url), body) == ("http://cluster/api/v1/proxy/services/a/b?limit=1", b"{}")
    assert request.headers["X-ServiceExecution-Authorization"] == "Bearer short"
    assert request.headers["Content-Type"] == "application/json"
    assert "authorization" not in request.headers
    assert "cookie" not in request.headers


@pytest.mark.parametrize("path", ["/", "/console/", "/x/console/", "{prefix}", "{prefix}x/console/"])
def test_who_does_not_know_the_path_gets_nothing(proxy, asked, path):
    assert ask(proxy, path.format(prefix=proxy.prefix))[0] == 404
    assert asked == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1:1"])
def test_a_name_that_was_pointed_here_is_refused(proxy, asked, host):
    assert ask(proxy, f"{proxy.prefix}/console/", Host=host)[0] == 421
    assert asked == []


def test_a_page_of_another_origin_is_refused(proxy, asked):
    assert ask(proxy, f"{proxy.prefix}/services/a/b", "POST", b"", Origin="http://evil.example")[0] == 403
    assert ask(proxy, f"{proxy.prefix}/services/a/b", "POST", b"", Origin=f"http://{proxy.host}")[0] == 200
    assert len(asked) == 1


def test_the_page_is_told_that_it_is_signed_in(proxy, asked):
    answer = json.loads(ask(proxy, f"{proxy.prefix}/console/session.json")[2])
    assert answer == {"signedIn": True, "namespace": "team-a"}
    assert asked == []


def test_a_refused_token_is_asked_for_anew(proxy):
    assert ask(proxy, f"{proxy.prefix}/refused")[0] == 401
    assert proxy.channel.caller.forgot


def test_an_answer_that_is_cut_is_not_filled_up(proxy):
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(proxy, f"{proxy.prefix}/cut")
    assert cut.value.partial == b"x" * 190


def test_nothing_is_printed(proxy, capfd):
    ask(proxy, f"{proxy.prefix}/console/")
    assert capfd.readouterr() == ("", "")
