"""The gateway's place: its Service, the way to it through the API server, and the URL that others call.

The place is told, or it is the chart's default. It is never searched for: labels are anybody's, and whoever wore the
gateway's would get tokens, inputs and secrets. Only those who may write in the operator's namespace can put
one there.
"""

import re
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from serviceexecution.cli.cluster.api import ApiError, ClusterApi
from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.json_types import JsonObject, metadata_of, object_at, object_of, objects_of
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.resources.names import API_GROUP

SERVICES: Final = ResourceKind("", "v1", "services")
NODES: Final = ResourceKind("", "v1", "nodes")
ANNOTATION_PUBLIC_URL: Final = f"{API_GROUP}/public-url"
ANNOTATION_ACCOUNT: Final = f"{API_GROUP}/service-account"
"""Name of the account that the gateway works under, in the Service's namespace."""
LABEL_RELEASE: Final = "app.kubernetes.io/instance"
GATEWAY_VARIABLE: Final = "SX_GATEWAY"
OPTION: Final = "--gateway"
_PORT: Final = "http"
_PLACE: Final = re.compile(
    r"(?P<namespace>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)/"
    r"(?P<name>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)"
    r"(?::(?P<port>[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?))?"
)
_ACCOUNT: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class GatewayPlace:
    """Where the gateway's Service is; ``port`` is its name or number."""

    namespace: str = "serviceexecution-system"
    name: str = "serviceexecution-gateway"
    port: str = _PORT

    @override
    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" + (f":{self.port}" if self.port != _PORT else "")


DEFAULT_PLACE: Final = GatewayPlace()
"""What the chart calls it as the release ``serviceexecution`` in the namespace that the docs use."""


@dataclass(frozen=True, slots=True)
class GatewayService:
    """The gateway's Service."""

    namespace: str
    name: str
    manifest: JsonObject
    """As stored; empty when we may not read it."""
    port: str = _PORT

    @property
    def proxy_path(self) -> str:
        """Return the path below which the API server passes requests on to it."""
        return f"/api/v1/namespaces/{self.namespace}/services/http:{self.name}:{self.port}/proxy"


def gateway_place(text: str) -> GatewayPlace:
    """Return the place that ``NAMESPACE/SERVICE[:PORT]`` names, the chart's default for ""; raises CommandError."""
    if not text:
        return DEFAULT_PLACE
    found = _PLACE.fullmatch(text)
    if found is None:
        raise CommandError(f"{OPTION} or {GATEWAY_VARIABLE} must be NAMESPACE/SERVICE[:PORT], not {text!r}.")
    return GatewayPlace(found["namespace"], found["name"], found["port"] or _PORT)


def place_of(gateway: GatewayService) -> GatewayPlace:
    """Return where a Service is."""
    return GatewayPlace(gateway.namespace, gateway.name, gateway.port)


def find_gateway_service(api: ClusterApi, place: GatewayPlace = DEFAULT_PLACE) -> GatewayService:
    """Return the gateway's Service; raises CommandError when there is none at that place, ApiError."""
    try:
        found = api.get(SERVICES, place.namespace, place.name)
    except ApiError as error:
        if error.status != 403:
            raise
        found = {}  # Who may not read it may be let through all the same
    if found is None:
        raise CommandError(no_gateway(place))
    return GatewayService(place.namespace, place.name, found, place.port)


def no_gateway(place: GatewayPlace) -> str:
    """Return the sentence for those who find no Service there."""
    return (
        f"There is no gateway {place} in this cluster. Install the chart there, or say where it is with "
        f"{OPTION} NAMESPACE/SERVICE or the variable {GATEWAY_VARIABLE}; choose another cluster with --context."
    )


def public_url(api: ClusterApi, gateway: GatewayService) -> str:
    """Return the URL by which programs reach the gateway, as far as the cluster tells: else that inside the cluster."""
    annotations = metadata_of(gateway.manifest).get("annotations")
    told = object_of(annotations).get(ANNOTATION_PUBLIC_URL)
    if isinstance(told, str) and told:
        return told.rstrip("/")
    port = _http_port(gateway.manifest)
    balanced = object_at(gateway.manifest, "status", "loadBalancer").get("ingress")
    for entry in balanced if isinstance(balanced, list) else []:
        host = object_of(entry).get("hostname") or object_of(entry).get("ip")
        if host:
            return _url(str(host), port.get("port"))
    if port.get("nodePort"):
        address = _node_address(api)
        if address:
            return _url(address, port.get("nodePort"))
    return _url(f"{gateway.name}.{gateway.namespace}.svc", port.get("port"))


def account_name(gateway: GatewayService) -> str:
    """Return the account that the gateway works under, as its Service says; raises CommandError when it does not."""
    annotations = object_at(gateway.manifest, "metadata", "annotations")
    found = annotations.get(ANNOTATION_ACCOUNT)
    if isinstance(found, str) and _ACCOUNT.fullmatch(found):
        return found
    raise CommandError(
        f"The Service {place_of(gateway)} does not name the gateway's account by its annotation {ANNOTATION_ACCOUNT}, "
        "or you may not read it: upgrade the chart to this version of sx."
    )


def release_name(gateway: GatewayService) -> str:
    """Return the chart's release that the Service belongs to."""
    return str(object_at(gateway.manifest, "metadata", "labels").get(LABEL_RELEASE) or "")


def _url(host: str, port: object) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}" if port in {80, None} else f"http://{shown}:{port}"


def _http_port(manifest: JsonObject) -> JsonObject:
    ports = objects_of(object_at(manifest, "spec").get("ports"))
    return next((port for port in ports if port.get("name") == _PORT), {})


def _node_address(api: ClusterApi) -> str:
    try:
        nodes = api.list(NODES, None)
    except ApiError:
        return ""
    addresses: dict[str, str] = {}
    for node in nodes:
        found = object_of(node.get("status")).get("addresses")
        for address in found if isinstance(found, list) else []:
            entry = object_of(address)
            addresses.setdefault(str(entry.get("type")), str(entry.get("address")))
    return addresses.get("ExternalIP") or addresses.get("InternalIP") or ""
