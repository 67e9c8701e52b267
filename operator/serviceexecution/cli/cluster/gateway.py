"""Finds the gateway: its Service, the way to it through the API server, and the URL that others call."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from serviceexecution.cli.cluster.api import ApiError, ClusterApi
from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.resources.names import API_GROUP

SERVICES: Final = ResourceKind("", "v1", "services")
NODES: Final = ResourceKind("", "v1", "nodes")
ANNOTATION_PUBLIC_URL: Final = f"{API_GROUP}/public-url"
VARIABLE: Final = "SX_GATEWAY"
_SELECTOR: Final = "app.kubernetes.io/name=serviceexecution,app.kubernetes.io/component=gateway"
_DEFAULT: Final = ("serviceexecution-system", "serviceexecution-gateway")
_PORT: Final = "http"


@dataclass(frozen=True, slots=True)
class GatewayService:
    """The gateway's Service."""

    namespace: str
    name: str
    manifest: JsonObject
    """As stored; empty when we may not read it."""

    @property
    def proxy_path(self) -> str:
        """Return the path below which the API server passes requests on to it."""
        return f"/api/v1/namespaces/{self.namespace}/services/http:{self.name}:{_PORT}/proxy"


def find_gateway_service(api: ClusterApi, environment: Mapping[str, str] = os.environ) -> GatewayService:
    """Return the installation's gateway: by SX_GATEWAY (NAMESPACE/SERVICE), by its labels, else by the chart's names.

    Raises CommandError when there is none.
    """
    named = environment.get(VARIABLE, "")
    if named:
        namespace, slash, name = named.partition("/")
        if not namespace or not slash or not name or "/" in name:
            raise CommandError(f"{VARIABLE} must be NAMESPACE/SERVICE, not {named!r}.")
        return GatewayService(namespace, name, _read(api, namespace, name))
    try:
        found = api.list(SERVICES, None, label_selector=_SELECTOR)
    except ApiError as error:
        if error.status != 403:
            raise
        return GatewayService(*_DEFAULT, _read(api, *_DEFAULT))
    if not found:
        raise CommandError("No gateway is installed in this cluster: install the chart first.")
    first = min(found, key=lambda item: (_metadata(item, "namespace"), _metadata(item, "name")))
    return GatewayService(_metadata(first, "namespace"), _metadata(first, "name"), first)


def public_url(api: ClusterApi, gateway: GatewayService) -> str:
    """Return the URL by which programs reach the gateway, as far as the cluster tells: else that inside the cluster."""
    annotations = _object(gateway.manifest.get("metadata")).get("annotations")
    told = _object(annotations).get(ANNOTATION_PUBLIC_URL)
    if isinstance(told, str) and told:
        return told.rstrip("/")
    port = _http_port(gateway.manifest)
    balanced = _object(_object(gateway.manifest.get("status")).get("loadBalancer")).get("ingress")
    for entry in balanced if isinstance(balanced, list) else []:
        host = _object(entry).get("hostname") or _object(entry).get("ip")
        if host:
            return _url(str(host), port.get("port"))
    if port.get("nodePort"):
        address = _node_address(api)
        if address:
            return _url(address, port.get("nodePort"))
    return _url(f"{gateway.name}.{gateway.namespace}.svc", port.get("port"))


def _url(host: str, port: object) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}" if port in {80, None} else f"http://{shown}:{port}"


def _http_port(manifest: JsonObject) -> JsonObject:
    ports = _object(manifest.get("spec")).get("ports")
    for port in ports if isinstance(ports, list) else []:
        if isinstance(port, dict) and port.get("name") == _PORT:
            return port
    return {}


def _node_address(api: ClusterApi) -> str:
    try:
        nodes = api.list(NODES, None)
    except ApiError:
        return ""
    addresses: dict[str, str] = {}
    for node in nodes:
        found = _object(node.get("status")).get("addresses")
        for address in found if isinstance(found, list) else []:
            entry = _object(address)
            addresses.setdefault(str(entry.get("type")), str(entry.get("address")))
    return addresses.get("ExternalIP") or addresses.get("InternalIP") or ""


def _read(api: ClusterApi, namespace: str, name: str) -> JsonObject:
    try:
        found = api.get(SERVICES, namespace, name)
    except ApiError as error:
        if error.status == 403:
            return {}
        raise
    if found is None:
        raise CommandError(
            f"There is no gateway {namespace}/{name}: install the chart, or set {VARIABLE}=NAMESPACE/SERVICE."
        )
    return found


def _metadata(item: JsonObject, name: str) -> str:
    return str(_object(item.get("metadata")).get(name) or "")


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}
