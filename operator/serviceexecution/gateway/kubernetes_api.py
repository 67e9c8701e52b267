"""The part of the Kubernetes client that the gateway needs, so that tests can stand in for it."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Protocol

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import ListPage, TokenIdentity, WatchEvent
from serviceexecution.kube.kinds import ResourceKind


class GatewayKubernetes(Protocol):
    """See KubernetesClient; all methods raise KubernetesError."""

    async def get(self, kind: ResourceKind, namespace: str | None, name: str) -> JsonObject | None:
        """Return the object, or None when there is none."""

    def list_pages(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        metadata_only: bool = False,
    ) -> AsyncGenerator[ListPage, None]:
        """Give all objects in bounded pages."""

    async def create(
        self,
        kind: ResourceKind,
        namespace: str | None,
        manifest: JsonObject,
        *,
        metadata_only: bool = False,
    ) -> JsonObject:
        """Create an object; raises AlreadyExistsError."""

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
        """Apply a JSON merge patch; None when there is no such object."""

    async def replace_fields(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        fields: JsonObject,
        *,
        resource_version: str,
    ) -> JsonObject | None:
        """Write fields of ``spec`` whole; None when there is no such object. Raises ConflictError."""

    async def delete(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> bool:
        """Delete an object; False when it is gone already."""

    async def create_token(
        self,
        namespace: str,
        account: str,
        *,
        audience: str,
        seconds: int,
        bound_secret: tuple[str, str] | None = None,
    ) -> tuple[str, datetime]:
        """Return a new token of a ServiceAccount, and when it expires."""

    def watch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        timeout_seconds: int,
        resource_version: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Give changes as they come."""

    async def review_token(self, token: str, audience: str | None) -> TokenIdentity | None:
        """Return whose token it is, or None when it is not valid."""

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
        """Tell whether the caller may do that."""
