"""Real servers of object stores: versitygw for S3, fake-gcs-server for Google Cloud Storage, Azurite for Azure Blob."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from cluster.images.binaries import build_all
from cluster.npm_programs import install
from cluster.settings import cache_home
from serviceexecution.store.store import ResultStore
from tests.support.gcs_front import gcs_front
from tests.support.polling import poll_until

KINDS: Final = ("s3", "gcs", "azure")
BUCKET: Final = "results"
LOOPBACK: Final = "127.0.0.1"
_SCHEMES: Final = {"s3": "s3", "gcs": "gs", "azure": "az"}
_START_SECONDS: Final = 60.0
_ACCOUNT: Final = "tester"
_KEY: Final = base64.b64encode(b"of a test alone").decode()
_AZURE_VERSION: Final = "2021-08-06"


@dataclass(frozen=True, slots=True)
class StoreServer:
    """A server with an empty bucket."""

    kind: str
    address: str
    """Its URL, without a path."""
    options: Mapping[str, str]
    """What the store is told, its credentials apart."""
    credentials: Mapping[str, str]
    """As environment variables, which is how the chart gives them."""

    def url(self, prefix: str) -> str:
        """Return a store's URL in the bucket."""
        return f"{_SCHEMES[self.kind]}://{BUCKET}/{prefix}"

    def open(self, cluster_id: str = "cluster-1", *, address: str | None = None) -> ResultStore:
        """Open a store that nothing else is in; ``address`` is that of a proxy before the server."""
        credentials = {name.lower(): value for name, value in self.credentials.items()}
        options = {**self.options, **credentials}
        if address is not None:
            options["endpoint"] = address
        return ResultStore.open(self.url(uuid4().hex), cluster_id, options)


@contextlib.contextmanager
def store_server(kind: str, directory: Path, *, host: str = LOOPBACK) -> Iterator[StoreServer]:
    """Serve on ``host`` until the end of the block, from an empty directory. ``kind`` is one of ``KINDS``."""
    starts = {"s3": _versitygw, "gcs": _fake_gcs_server, "azure": _azurite}
    with starts[kind](directory, host) as server:
        yield server


@contextlib.contextmanager
def _versitygw(directory: Path, host: str) -> Iterator[StoreServer]:
    program = build_all(cache_home(), ("versitygw",)) / "versitygw"
    port = free_port(host)
    (directory / "data" / BUCKET).mkdir(parents=True)
    key = {"ROOT_ACCESS_KEY": "AKIATEST", "ROOT_SECRET_KEY": "of-a-test-alone"}
    words = [program, "--port", f"{host}:{port}", "posix", directory / "data"]
    with _running(words, directory, host, port, key):
        yield StoreServer(
            "s3",
            f"http://{host}:{port}",
            {"endpoint": f"http://{host}:{port}", "region": "us-east-1", "allow_http": "true"},
            {"AWS_ACCESS_KEY_ID": key["ROOT_ACCESS_KEY"], "AWS_SECRET_ACCESS_KEY": key["ROOT_SECRET_KEY"]},
        )


@contextlib.contextmanager
def _fake_gcs_server(directory: Path, host: str) -> Iterator[StoreServer]:
    program = build_all(cache_home(), ("fake-gcs-server",)) / "fake-gcs-server"
    port = free_port(host)
    address = f"http://{host}:{port}"
    words = [program, "-scheme", "http", "-host", host, "-port", port, "-backend", "memory"]
    words += ["-public-host", f"{host}:{port}", "-log-level", "error"]
    with _running(words, directory, host, port), gcs_front(address, host) as front:
        httpx.post(f"{address}/storage/v1/b?project=test", json={"name": BUCKET}).raise_for_status()
        # What Google's own tools know of an emulator is in the account's key
        account = {"gcs_base_url": front, "disable_oauth": True}
        account |= {"client_email": "", "private_key": "", "private_key_id": ""}
        yield StoreServer(
            "gcs", front, {"allow_http": "true"}, {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account)}
        )


@contextlib.contextmanager
def _azurite(directory: Path, host: str) -> Iterator[StoreServer]:
    main = install(cache_home(), "azurite") / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    port = free_port(host)
    words = ["node", main, "--blobHost", host, "--blobPort", port, "--location", directory]
    words += ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    with _running(words, directory, host, port, {"AZURITE_ACCOUNTS": f"{_ACCOUNT}:{_KEY}"}):
        address = f"http://{host}:{port}"
        _make_container(f"{address}/{_ACCOUNT}/{BUCKET}")
        yield StoreServer(
            "azure",
            address,
            {"endpoint": f"{address}/{_ACCOUNT}", "allow_http": "true"},
            {"AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": _KEY},
        )


def _make_container(url: str) -> None:
    now, path = formatdate(usegmt=True), urlsplit(url).path
    no_headers = "\n" * 12
    signed = (
        f"PUT{no_headers}x-ms-date:{now}\nx-ms-version:{_AZURE_VERSION}\n/{_ACCOUNT}{path}\nrestype:container"
    )
    signature = hmac.new(base64.b64decode(_KEY), signed.encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": now,
        "x-ms-version": _AZURE_VERSION,
        "Authorization": f"SharedKey {_ACCOUNT}:{base64.b64encode(signature).decode()}",
    }
    httpx.put(f"{url}?restype=container", headers=headers).raise_for_status()


@contextlib.contextmanager
def _running(
    words: list[object], directory: Path, host: str, port: int, variables: Mapping[str, str] | None = None
) -> Iterator[None]:
    with (directory / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [str(word) for word in words],
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            what = f"{words[0]} takes connections; see {log.name}"
            poll_until(lambda: _takes_connections(host, port), seconds=_START_SECONDS, what=what)
            yield
        finally:
            process.kill()
            process.wait()


def free_port(host: str) -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind((host, 0))
        return int(found.getsockname()[1])


def _takes_connections(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
