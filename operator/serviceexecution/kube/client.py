"""The asynchronous Kubernetes client: objects, logs, reviews and tokens of one API server."""

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Final, Self

from serviceexecution.kube.configuration.api_server import find_api_server
from serviceexecution.kube.kinds import PODS, SERVICE_ACCOUNTS, SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS
from serviceexecution.kube.objects import ObjectClient, ObjectList, present
from serviceexecution.kube.pages import ListPage
from serviceexecution.kube.reviews import (
    TokenIdentity,
    access_review,
    identity_of_review,
    is_allowed,
    token_review,
)
from serviceexecution.kube.server_clock import ServerClock
from serviceexecution.kube.token_requests import token_of_request, token_request
from serviceexecution.kube.transport import Transport
from serviceexecution.kube.watch import WatchEvent

__all__ = ["KubernetesClient", "ListPage", "ObjectList", "TokenIdentity", "WatchEvent"]

LOG_IDLE_SECONDS: Final = 600.0
"""Silence is normal in a log; asking again now and then is cheap, and heals what TCP cannot notice."""


class KubernetesClient(ObjectClient):
    """Requests to one API server, below one rate limit.

    Every method raises KubernetesError (or AlreadyExistsError, ConflictError, GoneError) when the API server
    refuses or cannot be reached; ``retriable`` tells whether the same call may succeed later.
    """

    @classmethod
    async def connect(
        cls,
        *,
        user_agent: str,
        qps: float = 50,
        burst: int = 100,
        clock: ServerClock | None = None,
        may_write: Callable[[], bool] | None = None,
    ) -> Self:
        """Return a client for the cluster that we run in, else for the kubeconfig's current context.

        ``clock`` is put right by the API server's answers; ``may_write`` is asked right before each write.
        """
        server = await find_api_server()
        return cls(
            Transport(server, user_agent=user_agent, qps=qps, burst=burst, clock=clock, may_write=may_write)
        )

    async def close(self) -> None:
        """Close all connections and streams."""
        await self._transport.close()

    @contextlib.asynccontextmanager
    async def log_lines(
        self,
        namespace: str,
        pod: str,
        *,
        container: str,
        follow: bool,
        since_time: datetime | None,
        tail_lines: int | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a container's log: chunks of lines "<RFC 3339 time> text", cut anywhere.

        ``since_time`` counts in whole seconds: the API drops the fraction. ``tail_lines`` asks for the last
        lines only (of pieces of 16 KiB, which long lines consist of). Raises KubernetesError with status
        400 while the container has not started, 404 when pod or container is gone, and with no status when
        the stream breaks or is silent for ten minutes.
        """
        since = None if since_time is None else since_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        params = present(
            container=container,
            timestamps="true",
            follow="true" if follow else None,
            sinceTime=since,
            tailLines=None if tail_lines is None else str(tail_lines),
        )
        async with self._transport.stream(
            "log",
            PODS.path(namespace, pod, "log"),
            resource="pods/log",
            params=params,
            idle_seconds=LOG_IDLE_SECONDS,
        ) as chunks:
            yield chunks

    async def review_token(self, token: str, audience: str | None) -> TokenIdentity | None:
        """Return whose token it is, or None when it is not valid for that audience (None: any of its own)."""
        answer = await self._transport.request(
            "create",
            TOKEN_REVIEWS.path(None),
            resource=TOKEN_REVIEWS.plural,
            method="POST",
            body=token_review(token, audience),
        )
        return identity_of_review(answer, audience)

    async def review_access(
        self,
        identity: TokenIdentity,
        *,
        verb: str,
        group: str,
        resource: str,
        subresource: str,
        namespace: str,
        name: str,
    ) -> bool:
        """Tell whether the caller may do that, by the cluster's own rules."""
        review = access_review(
            identity,
            verb=verb,
            group=group,
            resource=resource,
            subresource=subresource,
            namespace=namespace,
            name=name,
        )
        answer = await self._transport.request(
            "create",
            SUBJECT_ACCESS_REVIEWS.path(None),
            resource=SUBJECT_ACCESS_REVIEWS.plural,
            method="POST",
            body=review,
        )
        return is_allowed(answer)

    async def create_token(
        self,
        namespace: str,
        account: str,
        *,
        audience: str,
        seconds: int,
        bound_secret: tuple[str, str] | None = None,
    ) -> tuple[str, datetime]:
        """Return a new token of a ServiceAccount and when it expires (TokenRequest).

        ``bound_secret`` is name and uid of a Secret; the token ends with it. ``seconds`` are at least 600.
        """
        answer = await self._transport.request(
            "create",
            SERVICE_ACCOUNTS.path(namespace, account, "token"),
            resource="serviceaccounts/token",
            method="POST",
            body=token_request(audience, seconds, bound_secret),
        )
        return token_of_request(answer)

    async def server_version(self) -> tuple[int, int]:
        """Return major and minor version of the API server, e.g. (1, 36)."""
        answer = await self._transport.request("get", "/version", resource="version")
        found = [re.match(r"\d+", str(answer.get(key) or "")) for key in ("major", "minor")]
        major, minor = (0 if number is None else int(number[0]) for number in found)
        return major, minor
