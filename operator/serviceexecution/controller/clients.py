"""The controller's connections to the API server."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.server_clock import ServerClock


@dataclass(frozen=True, slots=True)
class Clients:
    """The connections to the API server, each below a rate limit of its own: none takes requests from another.

    Together 175 requests a second at most, and as many again at once after a rest.
    """

    work: KubernetesClient
    logs: KubernetesClient
    """Polling the logs of 1,500 running programs takes hundreds of requests a second. Here it only makes the pauses
    between polls longer; no start or cancel waits for it."""
    events: KubernetesClient
    clock: ServerClock = field(default_factory=ServerClock)
    """The API server's, as its answers to ``work`` tell."""

    @classmethod
    async def connect(cls, may_write: Callable[[], bool] | None = None) -> Self:
        """Return clients for the cluster that we run in; ``may_write`` is asked right before each write of work."""
        agent, clock = "serviceexecution-controller", ServerClock()
        return cls(
            clock=clock,
            work=await KubernetesClient.connect(
                user_agent=agent, qps=100, burst=200, clock=clock, may_write=may_write
            ),
            logs=await KubernetesClient.connect(user_agent=f"{agent}-logs", qps=50, burst=200),
            events=await KubernetesClient.connect(user_agent=f"{agent}-events", qps=25, burst=100),
        )

    async def close(self) -> None:
        """Close all connections and streams."""
        for client in (self.work, self.logs, self.events):
            await client.close()
