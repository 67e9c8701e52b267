"""Services by their uid, which is their id in the platform's API."""

from typing import Final, Literal

from serviceexecution.contract.json_types import text_at
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.caches.single_flight import SingleFlight
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.service_api.submission.readiness import not_ready
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS

Lifecycle = Literal["CREATED", "ACCESSIBLE"]
_NAMES_SECONDS: Final = 3.0
"""How long the names of a namespace's services are believed: so rarely do unknown ids cost a list."""
_NAMESPACES: Final = 100
MOST_NAMES: Final = 10_000
"""Most services of a namespace that are found by their uid when the watch does not know them."""


class ServiceLookup:
    """Finds services in what the watch has told, and else in a list of their names."""

    def __init__(self, state: ServiceState, client: GatewayKubernetes) -> None:
        self._state = state
        self._client = client
        self._names: ExpiringCache[str, dict[str, str]] = ExpiringCache(
            seconds=_NAMES_SECONDS, capacity=_NAMESPACES
        )
        self._lists: SingleFlight[str, dict[str, str]] = SingleFlight()

    def known(self, namespace: str, uid: str) -> KnownDefinition | None:
        """Return the service if the watch has told of it; None says nothing."""
        definitions = self._state.known_definitions(namespace)
        return next((one for one in definitions if one.metadata.uid == uid), None)

    async def find(self, namespace: str, uid: str) -> KnownDefinition | None:
        """Return the service, None when there is none; raises KubernetesError."""
        known = self.known(namespace, uid)
        if known is not None:
            return known
        names = self._names.get(namespace)
        if names is None:
            names = await self._lists.ask(namespace, lambda: self._list(namespace))
        name = names.get(uid)
        found = None if name is None else await self._state.definition(namespace, name)
        return None if found is None or found.metadata.uid != uid else found

    async def _list(self, namespace: str) -> dict[str, str]:
        names: dict[str, str] = {}
        async for page in self._client.list_pages(SERVICE_DEFINITIONS, namespace, metadata_only=True):
            for body in page.items:
                if len(names) < MOST_NAMES:
                    names[text_at(body, "metadata", "uid")] = text_at(body, "metadata", "name")
        self._names.put(namespace, names)
        return names


def lifecycle_of(known: KnownDefinition) -> Lifecycle:
    """Return ACCESSIBLE for a service that can run or could before, else CREATED."""
    ready = not_ready(known) is None or known.status.serving is not None
    return "ACCESSIBLE" if ready else "CREATED"
