"""The Pod Security level that a namespace enforces, as its label says it."""

import time
from collections.abc import Callable
from typing import Final

import structlog
from pydantic import Field

from serviceexecution.builds.choose_builder import ENFORCED_LEVEL
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import NAMESPACES
from serviceexecution.resources.model import ResourceModel

logger = structlog.stdlib.get_logger()

KNOWN_SECONDS: Final = 60.0


class NamespaceMeta(ResourceModel):
    """What we read of a namespace's metadata."""

    labels: dict[str, str] = Field(default_factory=dict)


class NamespaceView(ResourceModel):
    """A namespace."""

    metadata: NamespaceMeta


class NamespaceLevels:
    """Asks for namespaces, and remembers for a minute what they said."""

    def __init__(self, client: KubernetesClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[float, str]] = {}

    async def enforced(self, namespace: str) -> str:
        """Return the level that is enforced there, empty when none is, or when that may not be asked.

        Raises KubernetesError when the API server does not answer.
        """
        known = self._known.get(namespace)
        if known is not None and self._clock() - known[0] < KNOWN_SECONDS:
            return known[1]
        try:
            body = await self._client.get(NAMESPACES, None, namespace)
        except KubernetesError as error:
            if error.status != 403:
                raise
            if known is None:
                logger.warning(
                    "the controller may not read namespaces: it builds with BuildKit", error=str(error)
                )
            # An API server that has just started has no roles for a moment: what it said before holds
            level = "" if known is None else known[1]
        else:
            view = NamespaceView.model_validate(body) if body is not None else None
            level = view.metadata.labels.get(ENFORCED_LEVEL, "") if view is not None else ""
        self._known[namespace] = self._clock(), level
        return level
