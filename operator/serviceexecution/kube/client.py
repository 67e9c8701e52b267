"""The asynchronous Kubernetes client: JSON objects in and out, exactly as the API server has them."""

import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.api_server import find_api_server
from serviceexecution.kube.errors import ConflictError, KubernetesError
from serviceexecution.kube.kinds import (
    PODS,
    SERVICE_ACCOUNTS,
    SUBJECT_ACCESS_REVIEWS,
    TOKEN_REVIEWS,
    ResourceKind,
)
from serviceexecution.kube.pages import PAGE_SIZE, ListPage, list_pages
from serviceexecution.kube.reviews import (
    TokenIdentity,
    access_review,
    identity_of_review,
    is_allowed,
    token_review,
)
from serviceexecution.kube.token_requests import token_of_request, token_request
from serviceexecution.kube.transport import Transport
from serviceexecution.kube.watch import WatchEvent, watch_events

__all__ = ["KubernetesClient", "ListPage", "ObjectList", "TokenIdentity", "WatchEvent"]

WATCH_IDLE_SECONDS: Final = 90.0
"""The API server sends a bookmark about every minute, so a longer silence means a dead stream."""
LOG_IDLE_SECONDS: Final = 600.0
"""Silence is normal in a log; asking again now and then is cheap, and heals what TCP cannot notice."""


@dataclass(frozen=True, slots=True)
class ObjectList:
    """All objects of a list request; as in the API, the items have no apiVersion and kind of their own."""

    items: list[JsonObject]
    resource_version: str
    """Where to start a watch that misses nothing after this list."""


class KubernetesClient:
    """Requests to one API server, below one rate limit.

    Every method raises KubernetesError (or AlreadyExistsError, ConflictError, GoneError) when the API server
    refuses or cannot be reached; ``retriable`` tells whether the same call may succeed later.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @classmethod
    async def connect(cls, *, user_agent: str, qps: float = 50, burst: int = 100) -> Self:
        """Return a client for the cluster that we run in, else for the kubeconfig's current context."""
        server = await find_api_server()
        return cls(Transport(server, user_agent=user_agent, qps=qps, burst=burst))

    async def close(self) -> None:
        """Close all connections and streams."""
        await self._transport.close()

    async def get(self, kind: ResourceKind, namespace: str | None, name: str) -> JsonObject | None:
        """Return the object, or None when there is none of that name."""
        try:
            return await self._transport.request("get", kind.path(namespace, name), resource=kind.plural)
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    async def list(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> ObjectList:
        """Return all objects, read page by page; ``namespace`` None means all namespaces.

        Only for what is few and small: see ``list_pages`` for the rest.
        """
        items: list[JsonObject] = []
        version = ""
        async for page in self.list_pages(
            kind, namespace, label_selector=label_selector, field_selector=field_selector
        ):
            if page.begun_again:
                items.clear()
            items += page.items
            version = page.resource_version
        return ObjectList(items, version)

    def list_pages(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        metadata_only: bool = False,
        limit: int = PAGE_SIZE,
    ) -> AsyncGenerator[ListPage, None]:
        """Give all objects in pages of at most ``limit`` and of some two megabytes, so that nobody holds them all.

        With ``metadata_only`` the objects have nothing but their metadata. A list whose snapshot is gone is begun
        again, and the page says so: whoever remembers what was listed starts anew there. No connection is held
        between two pages.
        """
        selectors = _present(labelSelector=label_selector, fieldSelector=field_selector)
        return list_pages(
            self._transport, kind, namespace, selectors=selectors, limit=limit, metadata_only=metadata_only
        )

    async def create(self, kind: ResourceKind, namespace: str | None, manifest: JsonObject) -> JsonObject:
        """Create an object and return it as stored.

        Raises AlreadyExistsError. Sent once and never repeated here: after an error without a status
        the object may exist or not.
        """
        return await self._transport.request(
            "create", kind.path(namespace), resource=kind.plural, method="POST", body=manifest
        )

    async def patch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        patch: JsonObject,
        *,
        subresource: str | None = None,
    ) -> JsonObject | None:
        """Apply a JSON merge patch and return the object as stored, or None when there is none of that name.

        Raises ConflictError when the patch holds ``metadata.resourceVersion`` and the object has a newer one.
        """
        try:
            return await self._transport.request(
                "patch",
                kind.path(namespace, name, subresource),
                resource=kind.plural if subresource is None else f"{kind.plural}/{subresource}",
                method="PATCH",
                body=patch,
                content_type="application/merge-patch+json",
            )
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    async def delete(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        propagation: str = "Background",
        grace_period_seconds: int | None = None,
    ) -> bool:
        """Ask for the deletion of an object; False when it is gone already.

        With ``uid``, another object of the same name is left alone, and the answer is False too. With
        ``resource_version`` it raises ConflictError when the object has changed since.
        """
        options: JsonObject = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        preconditions = _present(uid=uid, resourceVersion=resource_version)
        if preconditions:
            options["preconditions"] = {**preconditions}
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        try:
            await self._transport.request(
                "delete", kind.path(namespace, name), resource=kind.plural, method="DELETE", body=options
            )
        except ConflictError as error:
            if uid is not None and "UID" in str(error):
                return False
            raise
        except KubernetesError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def watch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        timeout_seconds: int,
        resource_version: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Give changes after ``resource_version`` as they come; ends when the API server ends the stream.

        Without a resource version it starts with an ADDED for each object that exists. Raises GoneError when
        the version is too old (list again), KubernetesError on other errors. A caller that leaves the loop
        early uses ``contextlib.aclosing`` so that the connection is closed at once.
        """
        params = _present(
            watch="true",
            allowWatchBookmarks="true",
            timeoutSeconds=str(timeout_seconds),
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
        )
        async with self._transport.stream(
            "watch",
            kind.path(namespace),
            resource=kind.plural,
            params=params,
            idle_seconds=WATCH_IDLE_SECONDS,
        ) as chunks:
            async for event in watch_events(chunks):
                yield event

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
        params = _present(
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


def _present(**params: str | None) -> dict[str, str]:
    return {key: value for key, value in params.items() if value is not None}
