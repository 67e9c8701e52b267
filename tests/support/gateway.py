"""Reads results and logs the way users do: through the gateway, with a token of the cluster."""

import os
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

import httpx

from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import NODES, SERVICES, Cluster, member, name_of


class Gateway:
    """The gateway of the installed operator, from outside of the cluster."""

    def __init__(self, address: str) -> None:
        """``address`` is an URL without a path."""
        self.address = address
        # An operator that a test has just killed is back within seconds: connecting is tried again.
        transport = httpx.HTTPTransport(retries=8)
        self._client = httpx.Client(base_url=address, transport=transport, timeout=60)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(
        self, method: str, path: str, token: str, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send one request below ``/api/v1``."""
        all_headers = {
            "Authorization": f"Bearer {token}".strip(),
            "Accept-Encoding": "identity",
            **(headers or {}),
        }
        return self._client.request(method, f"/api/v1{path}", headers=all_headers)

    def send(self, method: str, url: str, token: str, **options: Any) -> httpx.Response:
        """Send one request to any of the gateway's URLs; ``options`` as httpx has them."""
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        return self._client.request(method, url, headers=headers, **options)

    def files(self, namespace: str, name: str, token: str) -> list[JsonObject]:
        """Return the list of an execution's output files."""
        answer = self.request("GET", f"/namespaces/{namespace}/executions/{name}/files", token)
        assert answer.status_code == 200, answer.text
        return cast("list[JsonObject]", answer.json()["files"])

    def file(
        self, namespace: str, name: str, path: str, token: str, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Return the answer to a request for one file."""
        place = f"/namespaces/{namespace}/executions/{name}/files/{quote(path)}"
        return self.request("GET", place, token, headers)

    def log(self, namespace: str, name: str, token: str, *, timestamps: bool = False) -> str:
        """Return an execution's kept log."""
        query = "?timestamps=true" if timestamps else ""
        answer = self.request("GET", f"/namespaces/{namespace}/executions/{name}/log{query}", token)
        assert answer.status_code == 200, answer.text
        return answer.text


def gateway_address(cluster: Cluster, operator_namespace: str) -> str | None:
    """Return SX_GATEWAY_ADDRESS, or the gateway's NodePort on the first node, or None when there is neither."""
    address = os.environ.get("SX_GATEWAY_ADDRESS", "").rstrip("/")
    if address:
        return address if "://" in address else f"http://{address}"
    for service in cluster.select(SERVICES, operator_namespace):
        ports = cast("list[JsonObject]", member(service, "spec", "ports") or [])
        node_port = next((port.get("nodePort") for port in ports if port.get("nodePort")), None)
        if "gateway" in name_of(service) or node_port:
            if node_port is None:
                continue
            node = cluster.select(NODES, None)[0]
            addresses = cast("list[JsonObject]", member(node, "status", "addresses") or [])
            internal = next(a["address"] for a in addresses if a["type"] == "InternalIP")
            return f"http://{internal}:{node_port}"
    return None
