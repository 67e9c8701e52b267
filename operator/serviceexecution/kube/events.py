"""Kubernetes Events about an object, for ``kubectl describe``."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import structlog

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.fairness.payers import namespace_payer, paid_by
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import AlreadyExistsError, BudgetSpentError, KubernetesError
from serviceexecution.kube.kinds import EVENTS

logger = structlog.stdlib.get_logger()

MESSAGE_LIMIT: Final = 1024
"""In bytes of UTF-8, as the API has it; longer messages are cut."""
PATIENCE_SECONDS: Final = 30.0
"""How long an Event waits for the budget of requests; then it is dropped, since the status says the same."""


@dataclass(frozen=True, slots=True)
class ObjectIdentity:
    """The object that an Event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


class EventPoster:
    """Posts Events. Needs the verb create on events, nothing else.

    Give it a client of its own: its requests would take those of a busy one from work that must be done.
    """

    def __init__(self, client: KubernetesClient, *, component: str, instance: str) -> None:
        """``component`` is the reporting controller's name, ``instance`` the pod it runs in."""
        self._client = client
        self._component = component
        self._instance = instance

    async def post(
        self,
        about: ObjectIdentity,
        *,
        type_: Literal["Normal", "Warning"],
        reason: str,
        message: str,
        occurrence: str = "",
    ) -> bool:
        """Post one Event; False when that very Event exists or could not be posted, which is never raised.

        The same object uid, type, reason, message and ``occurrence`` (e.g. the attempt) give the same name, so
        that repeating a transition after a crash adds no second Event.
        """
        manifest = self._manifest(about, type_, reason, cut_utf8(message, MESSAGE_LIMIT), occurrence)
        try:
            with paid_by(namespace_payer(about.namespace, patience=PATIENCE_SECONDS)):
                await self._client.create(EVENTS, about.namespace, manifest)
        except AlreadyExistsError:
            return False
        except BudgetSpentError:  # Counted there; a line for each would be the next flood
            return False
        except KubernetesError as error:
            logger.warning(
                "an event is not posted",
                reason=reason,
                namespace=about.namespace,
                name=about.name,
                error=str(error),
            )
            return False
        return True

    def _manifest(
        self, about: ObjectIdentity, type_: str, reason: str, message: str, occurrence: str
    ) -> JsonObject:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": event_name(about, type_, reason, message, occurrence),
                "namespace": about.namespace,
            },
            "involvedObject": {
                "apiVersion": about.api_version,
                "kind": about.kind,
                "namespace": about.namespace,
                "name": about.name,
                "uid": about.uid,
            },
            "type": type_,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": self._instance,
        }


def event_name(about: ObjectIdentity, *content: str) -> str:
    """Return the name of the Event with that content about that object; at most 253 characters."""
    text = "\0".join((about.uid, *content))
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{about.name[:200].rstrip('-.')}.{digest}"


def cut_utf8(text: str, limit: int) -> str:
    """Return ``text``, cut to ``limit`` bytes of UTF-8 without half a character, "…" at the end if cut."""
    data = text.encode(errors="replace")
    if len(data) <= limit:
        return text
    return data[: limit - 3].decode(errors="ignore") + "…"
