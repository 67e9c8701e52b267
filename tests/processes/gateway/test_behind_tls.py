"""The gateway behind a proxy that ends TLS, as an Ingress puts it: a real nginx."""

import asyncio
import gzip
import hashlib
import os
import secrets
import ssl
from ipaddress import ip_network

import httpx
import pytest

from serviceexecution.gateway.main import GatewayServer, server_config
from tests.support.certificates import write_certificate
from tests.support.nginx import PROGRAM, tls_proxy
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import ALICE, BODY, JSON, Service

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not PROGRAM.exists(), reason="nginx is not installed; `make up` installs it"),
]


class Proxied:
    """A gateway, the proxy in front of it, and clients with addresses of their own."""

    def __init__(self, service: Service, address: str, certificates: ssl.SSLContext) -> None:
        self.service = service
        self.address = address
        self._certificates = certificates

    def client(self, source: str = "127.0.0.1", headers=ALICE) -> httpx.AsyncClient:
        """Return a client that connects from ``source``."""
        transport = httpx.AsyncHTTPTransport(verify=self._certificates, local_address=source)
        return httpx.AsyncClient(transport=transport, base_url=self.address, headers=headers, timeout=60)


@pytest.fixture
async def proxied(tmp_path):
    directory = tmp_path / "store"
    directory.mkdir()
    service = Service(directory, trusted_proxies=(ip_network("127.0.0.1/32"),))
    server = GatewayServer(server_config(service.settings, service.app, host="127.0.0.1"), service.draining)
    server.config.port = 0
    serving = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    write_certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
    proxy = tls_proxy(tmp_path, tmp_path, port)
    address = await asyncio.to_thread(proxy.__enter__)
    try:
        yield Proxied(service, address, context)
    finally:
        await asyncio.to_thread(proxy.__exit__, None, None, None)
        server.stop()
        server.force_exit = True
        await serving
        await service.schemas.close()


async def test_links_lead_through_tls_to_where_the_client_came(proxied):
    async with proxied.client() as http:
        answer = await http.post(proxied.service.base, content=BODY, headers=JSON)
        assert answer.status_code == 201, answer.text
        ref = proxied.service.finish(answer.json()["id"], "Succeeded")
        await proxied.service.keep(ref, {"output.json": b'{"a": 1}', "plot.png": b"x"})
        assert answer.headers["location"].startswith(f"{proxied.address}/services/")
        result = (await http.get(f"{proxied.service.base}/{ref.name}/result")).json()
        link = result["_links"]["plot.png"]["href"]
        assert link.startswith(f"{proxied.address}/services/")
        assert (await http.get(link)).content == b"x"


async def test_lines_of_a_log_come_while_it_grows(proxied):
    name = await proxied.service.started()
    ref = proxied.service.finish(name, "Running")
    stamp = b"2026-11-23T14:18:55.645123456Z "
    await proxied.service.store.logs.of(ref, 1).write(1, stamp + b"first\n")
    async with (
        proxied.client() as http,
        http.stream("GET", f"{proxied.service.base}/{name}/log?follow") as answer,
    ):
        lines = answer.aiter_lines()
        async for line in lines:
            if '"first"' in line:
                break
        await proxied.service.store.logs.of(ref, 1).write(1, stamp + b"first\n" + stamp + b"second\n")
        async for line in lines:
            if '"second"' in line:
                return
    pytest.fail("the stream ended without the second line")


@pytest.mark.parametrize("chunked", [False, True])
async def test_large_uploads_pass_a_proxy_that_ends_tls(proxied, chunked):
    data = gzip.compress(os.urandom(5_000_000), 1)
    path = f"/api/v1/namespaces/{NAMESPACE}/sources/{hashlib.sha256(data).hexdigest()}"

    async def pieces():
        for start in range(0, len(data), 65536):
            yield data[start : start + 65536]

    async with proxied.client() as http:
        answer = await http.put(path, content=pieces() if chunked else data)
    assert answer.is_success, answer.text


async def test_who_guesses_tokens_holds_up_no_other_client_of_the_proxy(proxied):
    proxied.service.cluster.tokens["bob-token", None] = proxied.service.cluster.tokens["alice-token", None]

    async def guess(http):
        # who claims another's address in front of what the proxy adds gains nothing
        headers = {
            "Authorization": f"Bearer {secrets.token_hex(20)}",
            "X-Forwarded-For": f"127.0.0.{2 + secrets.randbelow(200)}",
        }
        return (await http.get(proxied.service.base, headers=headers)).status_code

    async with proxied.client("127.0.0.9") as evil, proxied.client("127.0.0.3", {}) as bob:
        guesses = [asyncio.create_task(guess(evil)) for _ in range(200)]
        done, _ = await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED)
        assert done
        answer = await bob.get(proxied.service.base, headers={"Authorization": "Bearer bob-token"})
        assert answer.status_code == 200, answer.text
        assert set(await asyncio.gather(*guesses)) <= {401, 429}


async def test_a_known_caller_is_not_locked_out_by_guesses_from_its_own_address(proxied):
    async with proxied.client("127.0.0.9") as http:
        assert (await http.get(proxied.service.base)).status_code == 200
        for _ in range(50):
            headers = {"Authorization": f"Bearer {secrets.token_hex(20)}"}
            await http.get(proxied.service.base, headers=headers)
        assert (await http.get(proxied.service.base)).status_code == 200
