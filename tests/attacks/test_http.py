"""M7's connections, M13 and what LOW says of HTTP: requests and clients that mean no good, on a server on loopback.

Tried on 9b98b50, where all fail but five: links for whom nobody is trusted, with a public URL or a host with odd
characters, and two of the transfer codings.
"""

import asyncio
import contextlib
import json
import logging
import re
from ipaddress import ip_network

import pytest

from serviceexecution.gateway.http.connection import protocol
from serviceexecution.gateway.http.connection.connections import Admission, Connections
from tests.unit.gateway.http.protocol_harness import all_of, echo, problem, served
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import Service

TOKEN = b"Authorization: Bearer alice-token\r\n"
SERVICE = b"/services/team-a/sum"
HEAD = b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n"
ORIGIN = {"Origin": "https://app.example.com"}


@pytest.fixture
async def service(tmp_path):
    found = Service(tmp_path, cors_origins=("https://app.example.com",))
    yield found
    await found.http.aclose()


async def finished(service):
    name = await service.started()
    await service.keep(service.finish(name, "Succeeded"), {"output.json": b'{"a": 1.0}', "a.txt": b"text"})
    return f"{service.base}/{name}"


class TestMethods:
    async def test_head_is_wherever_get_is(self, service):
        one = await finished(service)
        paths = ["", "/result", "/log", "/result/a.txt", "/interim-results"]
        for path in [
            service.base,
            f"{service.base}/docs",
            f"{service.base}/openapi.json",
            "/docs",
            "/healthz",
        ] + [one + path for path in paths]:
            got, head = await service.http.get(path), await service.http.head(path)
            assert (head.status_code, head.content) == (got.status_code, b"") == (200, b""), path
            assert head.headers["content-type"] == got.headers["content-type"], path
            assert head.headers.get("content-length") == got.headers.get("content-length"), path
        assert (await service.http.head(f"{one}x")).status_code == 404
        assert (await service.http.head(f"{one}/cancel")).status_code == 405
        assert (await service.http.head(one, headers={"Authorization": ""})).status_code == 401

    async def test_head_of_a_stream_without_end_ends(self, service):
        name = await service.started()
        async with asyncio.timeout(20):
            answer = await service.http.head(f"{service.base}/{name}/log?follow=true")
        assert answer.headers["content-type"].startswith("text/event-stream")

    async def test_options_says_what_is_possible(self, service):
        one = await finished(service)
        for path, allowed in (
            (service.base, "GET, HEAD, POST, OPTIONS"),
            (one, "GET, HEAD, OPTIONS"),
            (f"{one}/cancel", "PUT, OPTIONS"),
            ("/oauth/token", "POST, OPTIONS"),
        ):
            answer = await service.http.options(path)
            assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allowed, b"")
        assert (await service.http.options("/nothing/here")).status_code == 404

    async def test_a_path_of_the_platform_has_only_the_methods_that_are_served(self, service):
        one = (await finished(service)).rpartition("/")[2]
        base = f"/platform/{NAMESPACE}"
        for path, allowed in (
            (f"{base}/datapools", "GET, HEAD, POST"),
            (f"{base}/service-executions/{one}", "GET, HEAD"),
            (f"{base}/authorize", "POST"),
        ):
            answer = await service.http.request("TRACE", path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
            assert (await service.http.options(path)).headers["allow"] == f"{allowed}, OPTIONS"
        for path in (base, f"{base}/nothing/here"):
            assert (await service.http.options(path)).status_code == 404
            assert (await service.http.request("TRACE", path)).status_code == 404
            assert (await service.http.get(path)).json()["code"] == "NotSupported"


class TestPages:
    async def test_a_preflight_offers_what_the_path_has(self, service):
        async def offered(path, wanted):
            headers = {**ORIGIN, "Access-Control-Request-Method": wanted}
            return await service.http.options(path, headers=headers)

        answer = await offered(service.base, "POST")
        assert answer.headers["access-control-allow-methods"] == "GET, HEAD, POST"
        assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
        answer = await offered(f"{service.base}/x/cancel", "DELETE")
        assert answer.headers["access-control-allow-methods"] == "PUT"
        evil = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        answer = await service.http.options(service.base, headers=evil)
        assert "access-control-allow-origin" not in answer.headers

    async def test_our_own_errors_can_be_read_by_pages(self, service, monkeypatch):
        async def broken(*_):
            raise ZeroDivisionError

        monkeypatch.setattr(service.state, "definition", broken)
        service.http._transport.raise_app_exceptions = False
        answer = await service.http.get(f"{service.base}/openapi.json", headers=ORIGIN)
        assert answer.status_code == 500
        assert answer.json()["code"] == "InternalError"
        assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]

    @pytest.mark.parametrize(
        "path", ["x%24(curl%20evil%7Csh)/y", "team-a/%22%3E%3Cscript%3E", "team-a/a'b", "A/b"]
    )
    async def test_names_that_are_none_become_no_line_for_a_shell(self, service, path):
        answer = await service.http.get(f"/services/{path}/docs", headers={"Authorization": ""})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_the_pages_lines_quote_what_they_hold(self, service):
        page = (await service.http.get(f"{service.base}/docs")).text
        shell = re.search(r"<code>URL=.*?</code>", page, re.DOTALL)[0]
        assert re.search(r"(?<!\")\$URL", shell) is None
        assert "data-base" not in page
        assert "data-gateway" not in page

    async def test_nothing_is_kept_that_may_change(self, service):
        assert (await service.http.get("/docs")).headers["cache-control"] == "no-cache"
        for path in ("/nothing", f"{service.base}/{'0' * 8}-0000-4000-8000-{'0' * 12}"):
            answer = await service.http.get(path)
            assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


class TestLinks:
    async def location(self, service, headers):
        answer = await service.http.post(
            service.base, content=b"{}", headers={"Content-Type": "application/json", **headers}
        )
        return answer.status_code, answer.headers.get("location", "")

    FORWARDED = {  # noqa: RUF012 - a constant
        "Host": "inside:8080",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "services.example.com",
        "X-Forwarded-Prefix": "/gateway",
    }

    async def test_behind_a_trusted_proxy_they_are_what_the_client_has_called(self, tmp_path):
        service = Service(tmp_path, trusted_proxies=(ip_network("127.0.0.0/8"),))
        status, location = await self.location(service, self.FORWARDED)
        assert status == 201
        assert location.startswith("https://services.example.com/gateway/services/team-a/sum/")
        chain = {
            **self.FORWARDED,
            "X-Forwarded-Proto": "http, https",
            "X-Forwarded-Host": "evil.example, a.example",
        }
        assert (await self.location(service, chain))[1].startswith("https://a.example/gateway/")
        await service.http.aclose()

    async def test_nobody_else_is_believed(self, tmp_path):
        service = Service(tmp_path, trusted_proxies=(ip_network("10.0.0.0/8"),))
        assert (await self.location(service, self.FORWARDED))[1].startswith("http://inside:8080/services/")
        await service.http.aclose()

    async def test_the_public_url_comes_first(self, tmp_path):
        trusted = (ip_network("127.0.0.0/8"),)
        service = Service(tmp_path, trusted_proxies=trusted, public_url="https://public.example")
        assert (await self.location(service, self.FORWARDED))[1].startswith(
            "https://public.example/services/"
        )
        await service.http.aclose()

    @pytest.mark.parametrize(
        "odd",
        [
            {"X-Forwarded-Proto": "javascript"},
            {"X-Forwarded-Host": "a b"},
            {"X-Forwarded-Host": "a/b"},
            {"X-Forwarded-Prefix": "/a/../b"},
            {"X-Forwarded-Prefix": "//evil.example"},
            {"X-Forwarded-Prefix": "/$(x)"},
            {"Host": "user@evil.example", "X-Forwarded-Host": ""},
            {"Host": "a:b", "X-Forwarded-Host": ""},
            {"Host": "$(x)", "X-Forwarded-Host": ""},
        ],
    )
    async def test_what_is_no_host_becomes_no_link(self, tmp_path, odd):
        service = Service(tmp_path, trusted_proxies=(ip_network("127.0.0.0/8"),))
        status, location = await self.location(service, {**self.FORWARDED, **odd})
        assert (status, location) == (400, "")
        await service.http.aclose()


class TestFiles:
    async def test_a_result_file_is_given_only_when_if_match_names_its_etag(self, service):
        url = f"{await finished(service)}/result/a.txt"
        etag = (await service.http.get(url)).headers["etag"]
        for value, status in (
            (etag, 200),
            ("*", 200),
            (f'"x", {etag}', 200),
            ('"x"', 412),
            (f"W/{etag}", 412),
            ("", 412),
        ):
            for method in ("GET", "HEAD"):
                answer = await service.http.request(method, url, headers={"If-Match": value})
                assert answer.status_code == status, (method, value)

    async def test_text_says_its_charset(self, service):
        answer = await service.http.get(f"{await finished(service)}/result/a.txt")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_request_has_one_host():
    async with served() as port:
        for hosts in (
            b"",
            b"Host: a\r\nHost: b\r\n",
            b"Host: a\r\nhost: a\r\n",
            b"Host: a b\r\n",
            b"Host:\r\n",
        ):
            answer = await all_of(port, b"GET / HTTP/1.1\r\n" + hosts + b"\r\n")
            assert problem(answer) == (400, "InvalidHost"), hosts
        assert (await all_of(port, b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200")  # as before
        for host in (b"a:80", b"[::1]:8080", b"10.0.0.1", b"a_b.example.", b"xn--a.example"):
            answer = await all_of(port, b"GET / HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), host


@pytest.mark.parametrize(
    "coding",
    [
        b"xchunked",
        b"chunked, identity",
        b"gzip, chunked",
        b"identity",
        b"chunked\r\nTransfer-Encoding: chunked",
    ],
)
async def test_another_transfer_coding_is_answered(coding):
    async with served() as port:
        begin = b"POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: " + coding + b"\r\n\r\n"
        status, code = problem(await all_of(port, begin, b"2\r\n{}\r\n0\r\n\r\n"))
        assert (status, code) in {(501, "TransferEncoding"), (400, "InvalidRequest")}


async def refuses(scope, receive, send):
    """Answer 401 without a look at the body."""
    await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"no"})


async def test_a_refusal_before_the_body_ends_the_connection():
    async with served(refuses) as port:
        head = b"POST / HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 38\r\n\r\n"
        answer = await all_of(port, head, b"GET /smuggled HTTP/1.1\r\nHost: g\r\n\r\n")
        assert answer.count(b"HTTP/1.1") == 1
        assert b"connection: close" in answer
        assert answer.endswith(b"no")
        whole = b"POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\n{}"
        answer = await all_of(port, whole + whole + whole.replace(b"Host", b"Connection: close\r\nHost"))
        assert answer.count(b"HTTP/1.1 401") == 3  # as before: nothing is left over


async def test_a_client_that_sends_much_reads_why_it_was_refused():
    async with served(refuses) as port:
        head = b"PUT / HTTP/1.1\r\nHost: g\r\nContent-Length: 100000000\r\n\r\n"
        answer = await all_of(port, head, *[b"x" * 65536] * 100)
        assert answer.startswith(b"HTTP/1.1 401")
        assert answer.endswith(b"no")


async def test_what_comes_behind_a_refusal_is_read_slowly(monkeypatch):
    """Six clients that sent 60 MiB each to be refused took a tenth of a processor. Fails on 783835c."""
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.5)
    received, take = 0, protocol.BoundedHttpProtocol.data_received

    def counted(self, data):
        nonlocal received
        received += len(data)
        take(self, data)

    monkeypatch.setattr(protocol.BoundedHttpProtocol, "data_received", counted)
    async with served(refuses) as port:
        head = b"PUT / HTTP/1.1\r\nHost: g\r\nContent-Length: 100000000\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = asyncio.create_task(reader.readuntil(b"\r\n\r\nno"))
        writer.write(head)
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                writer.write(bytes(1_000_000))
                await writer.drain()
        writer.close()
    assert (await answer).startswith(b"HTTP/1.1 401")
    assert received < protocol.DROPPED_BYTES


async def test_a_body_that_drips_behind_an_answer_keeps_no_connection(monkeypatch):
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.3)
    async with served(refuses) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
        await reader.readuntil(b"no")
        await dripped_out(reader, writer, b"x")


async def test_empty_lines_keep_no_connection(monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"\r\n")
        await reader.readuntil(b"\r\n\r\n0")
        await dripped_out(reader, writer, b"\r\n")


async def dripped_out(reader, writer, drop):
    """Send drops until the server ends the connection."""
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(drop)
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(100), 0.05)
    writer.close()


async def test_who_reads_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(protocol, "STALLED_SECONDS", 0.3)
    gone = asyncio.Event()

    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        watching = asyncio.create_task(receive_until_gone(receive, gone))
        while not gone.is_set():
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        await watching

    async with served(endless) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(HEAD + b"\r\n")
        async with asyncio.timeout(20):
            await gone.wait()
        writer.close()


async def receive_until_gone(receive, gone):
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()


async def test_many_requests_at_once_on_one_connection_are_refused():
    started = 0

    async def waits(scope, receive, send):
        nonlocal started
        started += 1
        await asyncio.Event().wait()

    async with served(waits) as port:
        assert await all_of(port, (HEAD + b"\r\n") * 1000) == b""
        assert started == 1


async def test_clients_that_go_away_are_no_errors_of_ours(service, caplog, capsys):
    """1,500 of them wrote 93,000 lines."""
    caplog.set_level(logging.INFO)
    async with served(service.app) as port:
        heads = [
            b"POST /oauth/token HTTP/1.1\r\nHost: g\r\nContent-Length: 16000\r\n\r\n",
            b"POST "
            + SERVICE
            + b" HTTP/1.1\r\nHost: g\r\n"
            + TOKEN
            + b"Content-Type: application/json\r\nContent-Length: 16000\r\n\r\n",
            b"PUT /api/v1/namespaces/team-a/sources/"
            + b"0" * 64
            + b" HTTP/1.1\r\nHost: g\r\n"
            + TOKEN
            + b"Content-Type: application/gzip\r\nContent-Length: 16000\r\n\r\n",
        ]
        for head in heads:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head + b"x" * 10)
            await writer.drain()
            await asyncio.sleep(0.2)
            writer.close()
        answer = await all_of(port, HEAD + b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
    said = caplog.text + "".join(capsys.readouterr())
    assert "Traceback" not in said
    assert "status=500" not in said


class Held:
    """A connection for the rules alone."""

    def __init__(self, idle=True):
        self.is_idle = idle
        self.ended = False

    def make_room(self):
        self.ended = True


class TestConnections:
    def test_a_flood_makes_room_for_everybody_else(self):
        connections = Connections(most=100, reserve=5)
        innocent = [Held() for _ in range(10)]
        assert {connections.opened(one, "10.0.0.1") for one in innocent} == {Admission.ALL}
        flood = [Held() for _ in range(1000)]
        for one in flood:
            connections.opened(one, "10.6.6.6")
        assert len(connections) == 100
        new = [Held() for _ in range(20)]
        assert {connections.opened(one, f"10.0.1.{at}") for at, one in enumerate(new)} == {Admission.ALL}
        assert not any(one.ended for one in innocent + new)
        assert sum(one.ended for one in flood) == 1000 - 70

    def test_who_has_64_bits_of_addresses_is_one(self):
        connections = Connections(most=20, reserve=0)
        friend = Held()
        for number in range(100):
            connections.opened(Held(), f"2001:db8::{number:x}")
            if number == 5:
                connections.opened(friend, "2001:db8:1::1")
        assert not friend.ended

    def test_what_is_being_answered_is_never_ended(self):
        connections = Connections(most=10, reserve=2)
        busy = [Held(idle=False) for _ in range(10)]
        assert {connections.opened(one, "10.0.0.1") for one in busy} == {Admission.ALL}
        late = [Held(idle=False) for _ in range(3)]
        told = [connections.opened(one, "10.0.0.2") for one in late]
        assert told == [Admission.HEALTH, Admission.HEALTH, Admission.NOTHING]
        assert not any(one.ended for one in busy)
        for one in busy + late:
            connections.closed(one)
            connections.closed(one)
        assert len(connections) == 0
        assert connections.opened(Held(), "10.0.0.3") is Admission.ALL

    async def test_a_busy_gateway_is_not_ill(self, monkeypatch):
        monkeypatch.setattr(
            "serviceexecution.gateway.main.Connections", lambda: Connections(most=2, reserve=2)
        )
        waiting = asyncio.Event()

        async def app(scope, receive, send):
            if scope["path"] == "/wait":
                await waiting.wait()
            await echo(scope, receive, send)

        async with served(app) as port:
            wait = b"GET /wait HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n"
            held = [asyncio.create_task(all_of(port, wait)) for _ in range(2)]
            await asyncio.sleep(0.3)
            assert problem(await all_of(port, b"GET /x HTTP/1.1\r\nHost: g\r\n\r\n")) == (503, "Busy")
            healthy = await all_of(port, HEAD + b"Connection: close\r\n\r\n")
            assert healthy.startswith(b"HTTP/1.1 200")
            waiting.set()
            for one in held:
                assert (await one).startswith(b"HTTP/1.1 200")

    async def test_idle_connections_lock_nobody_out(self, monkeypatch):
        monkeypatch.setattr(
            "serviceexecution.gateway.main.Connections", lambda: Connections(most=5, reserve=0)
        )
        async with served() as port:
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
            answer = await all_of(port, HEAD + b"Connection: close\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200")
            for _, writer in silent:
                writer.close()


async def test_an_error_holds_no_long_method(service):
    answer = await service.http.request("X" * 3000, service.base)
    assert answer.status_code == 405
    assert len(json.dumps(answer.json())) < 500
