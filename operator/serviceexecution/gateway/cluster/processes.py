"""Controllers and gateways of this installation: how many are ready, and which controller leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, object_at, text_at, text_of
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import DEPLOYMENTS, LEASES

_PARTS: Final = ("controller", "gateway")


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the operator's own objects are, and what their names begin with."""

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "Installation | None":
        """Read `<namespace>/<name>`; None when nothing is said."""
        namespace, _, name = text.partition("/")
        return cls(namespace, name) if namespace and name else None


async def processes(client: GatewayKubernetes, installation: Installation | None) -> JsonObject:
    """Return what the Deployments and the Lease say; what cannot be read says why instead."""
    if installation is None:
        return {}
    try:
        lease = await client.get(LEASES, installation.namespace, f"{installation.name}-controller")
        deployments = {
            part: await client.get(DEPLOYMENTS, installation.namespace, f"{installation.name}-{part}")
            for part in _PARTS
        }
    except KubernetesError as error:
        return {"problem": f"The cluster does not say how controllers and gateways are: {error}"}
    return processes_document(lease, deployments)


def processes_document(lease: JsonObject | None, deployments: Mapping[str, JsonObject | None]) -> JsonObject:
    """Return the document. Pure."""
    spec = {} if lease is None else object_at(lease, "spec")
    leader: JsonObject = {
        name: value
        for name, value in (
            ("name", text_of(spec.get("holderIdentity"))),
            ("renewedAt", text_of(spec.get("renewTime"))),
        )
        if value
    }
    parts: list[JsonValue] = [
        _part(name, deployment) for name, deployment in deployments.items() if deployment is not None
    ]
    return {"parts": parts, **({"leader": leader} if leader else {})}


def _part(name: str, deployment: JsonObject) -> JsonObject:
    ready, wanted = (
        value if isinstance(value, int) else 0
        for value in (
            object_at(deployment, "status").get("readyReplicas"),
            object_at(deployment, "spec").get("replicas"),
        )
    )
    version = text_at(deployment, "metadata", "labels", "app.kubernetes.io/version")
    return {"name": name, "ready": ready, "wanted": wanted, **({"version": version} if version else {})}
