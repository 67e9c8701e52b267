"""Requests about objects of any kind: JSON objects in and out, exactly as the API server has them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.errors import ConflictError, KubernetesError
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.kube.pages import PAGE_SIZE, ListPage, list_pages
from serviceexecution.kube.transport import Transport
from serviceexecution.kube.watch import WatchEvent, watch_events

WATCH_IDLE_SECONDS: Final = 90.0
"""The API server sends a bookmark about every minute, so a longer silence means a dead stream."""

_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""Who has just written a megabyte need not be sent it back."""


@dataclass(frozen=True, slots=True)
class ObjectList:
    """All objects of a list request; as in the API, the items have no apiVersion and kind of their own."""

    items: list[JsonObject]
    resource_version: str
    """Where to start a watch that misses nothing after this list."""


class ObjectClient:
    """Reads, writes and watches objects. Its methods raise what those of KubernetesClient raise."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

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
        selectors = present(labelSelector=label_selector, fieldSelector=field_selector)
        return list_pages(
            self._transport, kind, namespace, selectors=selectors, limit=limit, metadata_only=metadata_only
        )

    async def create(
        self,
        kind: ResourceKind,
        namespace: str | None,
        manifest: JsonObject,
        *,
        metadata_only: bool = False,
    ) -> JsonObject:
        """Create an object and return it as stored, with ``metadata_only`` nothing but its metadata.

        Raises AlreadyExistsError. Sent once and never repeated here: after an error without a status
        the object may exist or not.
        """
        return await self._transport.request(
            "create",
            kind.path(namespace),
            resource=kind.plural,
            method="POST",
            body=manifest,
            accept=_METADATA_ONLY if metadata_only else None,
        )

    async def patch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        patch: JsonObject,
        *,
        subresource: str | None = None,
        metadata_only: bool = False,
    ) -> JsonObject | None:
        """Apply a JSON merge patch and return the object as stored, or None when there is none of that name.

        With ``metadata_only``, for Kubernetes' own kinds, the answer has nothing but its metadata, and what is patched
        of lists in it is added to them: a strategic merge patch, for which the API server need not turn a megabyte of
        data into JSON and back.

        Raises ConflictError when the patch holds ``metadata.resourceVersion`` and the object has a newer one.
        """
        try:
            return await self._transport.request(
                "patch",
                kind.path(namespace, name, subresource),
                resource=kind.plural if subresource is None else f"{kind.plural}/{subresource}",
                method="PATCH",
                body=patch,
                content_type=f"application/{'strategic-' if metadata_only else ''}merge-patch+json",
                accept=_METADATA_ONLY if metadata_only else None,
            )
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    async def replace_fields(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        fields: JsonObject,
        *,
        resource_version: str,
    ) -> JsonObject | None:
        """Write fields of ``spec`` whole and return the object as stored, or None when there is none of that name.

        For fields that hold JSON of their own: a merge patch cannot write null within them, and leaves what was there.

        Raises ConflictError when the object has a newer version.
        """
        # A JSON patch, RFC 6902: "add" takes the place of what is there
        operations: list[JsonObject] = [
            {"op": "add", "path": "/metadata/resourceVersion", "value": resource_version},
            *({"op": "add", "path": f"/spec/{field}", "value": value} for field, value in fields.items()),
        ]
        try:
            return await self._transport.request(
                "patch",
                kind.path(namespace, name),
                resource=kind.plural,
                method="PATCH",
                body=operations,
                content_type="application/json-patch+json",
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
        preconditions = present(uid=uid, resourceVersion=resource_version)
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
        params = present(
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


def present(**params: str | None) -> dict[str, str]:
    """Return the parameters that have a value."""
    return {key: value for key, value in params.items() if value is not None}
