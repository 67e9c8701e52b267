import asyncio
import hashlib
from urllib.parse import quote

import httpx
import pytest

from serviceexecution.gateway.app import create_app
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.store.store import ResultStore
from tests.unit.gateway.collect.collector_cluster import REF, CollectorCluster

COLLECTOR = {"Authorization": "Bearer collector-token"}
USER = {"Authorization": "Bearer user-token"}


class Gateway:
    """The app over a store in a directory and a fake cluster, and shorthands for its calls."""

    def __init__(self, directory, **settings):
        self.kubernetes = CollectorCluster()
        self.kubernetes.add_user("user-token", "alice", "results", "log")
        self.store = ResultStore.open(f"file://{directory}/store", "cluster")
        self.draining = asyncio.Event()
        self.settings = GatewaySettings(store_url="", cluster_id="", **settings)
        self.restart()

    def restart(self):
        kubernetes: GatewayKubernetes = self.kubernetes
        self.app = create_app(self.store, kubernetes, self.settings, self.draining)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://gateway")

    async def put(self, path, data, headers=COLLECTOR):
        quoted = quote(path, safe="").replace(".", "%2E")  # else the client resolves ".." itself
        return await self.http.put(f"/collect/v1/files/{quoted}", content=data, headers=headers)

    async def commit(self, files, skipped=(), headers=COLLECTOR, **more):
        body = {"files": [entry(*file) for file in files.items()], "skipped": list(skipped), **more}
        return await self.http.post("/collect/v1/commit", json=body, headers=headers)

    async def get(self, what, headers=None, **more):
        url = f"/api/v1/namespaces/{REF.namespace}/executions/{REF.name}/{what}"
        return await self.http.get(url, headers=USER | (headers or {}), **more)


def entry(path, data):
    return {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.fixture
def gateway(tmp_path):
    return Gateway(tmp_path)
