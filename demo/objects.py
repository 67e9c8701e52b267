"""Objects in the cluster: made, removed, and watched."""

import contextlib
from collections.abc import AsyncGenerator, Iterable
from typing import Final

from demo.errors import DemoError
from demo.samples import NAMESPACE, NAMESPACE_MANIFEST, NAMESPACES, kind_of, name_of
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import AlreadyExistsError, GoneError, KubernetesError
from serviceexecution.kube.kinds import ResourceKind

_WATCH_SECONDS: Final = 240


async def ensure_namespace(client: KubernetesClient) -> None:
    """Create the demo's namespace unless it exists."""
    with contextlib.suppress(AlreadyExistsError):
        await client.create(NAMESPACES, None, NAMESPACE_MANIFEST)


async def create_all(client: KubernetesClient, manifests: Iterable[JsonObject]) -> None:
    """Create the objects in the demo's namespace; what exists already stays."""
    for manifest in manifests:
        with contextlib.suppress(AlreadyExistsError):
            await client.create(kind_of(manifest), NAMESPACE, manifest)


async def remove_all(client: KubernetesClient, manifests: Iterable[JsonObject]) -> int:
    """Remove the objects and wait until they are gone; return how many there were."""
    found = [
        manifest
        for manifest in manifests
        if await client.delete(kind_of(manifest), NAMESPACE, name_of(manifest))
    ]
    for manifest in found:
        async with contextlib.aclosing(changes(client, kind_of(manifest), name_of(manifest))) as states:
            async for state in states:
                if state is None:
                    break
    return len(found)


async def changes(
    client: KubernetesClient, kind: ResourceKind, name: str
) -> AsyncGenerator[JsonObject | None, None]:
    """Give the object as it is, then each time it changes; None when there is none."""
    async for objects in selections(client, kind, field_selector=f"metadata.name={name}"):
        yield next(iter(objects.values()), None)


async def selections(
    client: KubernetesClient,
    kind: ResourceKind,
    *,
    label_selector: str | None = None,
    field_selector: str | None = None,
) -> AsyncGenerator[dict[str, JsonObject], None]:
    """Give the selected objects by uid, then again at each change. Watches, never polls."""
    while True:
        listed = await client.list(
            kind, NAMESPACE, label_selector=label_selector, field_selector=field_selector
        )
        objects = {uid_of(item): item for item in listed.items}
        yield dict(objects)
        watch = client.watch(
            kind,
            NAMESPACE,
            resource_version=listed.resource_version,
            label_selector=label_selector,
            field_selector=field_selector,
            timeout_seconds=_WATCH_SECONDS,
        )
        with contextlib.suppress(GoneError):
            async with contextlib.aclosing(watch) as events:
                async for event in events:
                    if event.type == "BOOKMARK":
                        continue
                    if event.type == "DELETED":
                        objects.pop(uid_of(event.object), None)
                    else:
                        objects[uid_of(event.object)] = event.object
                    yield dict(objects)


def uid_of(item: JsonObject) -> str:
    """Return an object's uid."""
    metadata = item.get("metadata")
    return str(metadata.get("uid")) if isinstance(metadata, dict) else ""


def explain(error: KubernetesError) -> DemoError:
    """Return what an error of the Kubernetes API means for the demo."""
    if error.status == 404:
        return DemoError("The operator is not installed in this cluster: run `make up` first.")
    return DemoError(f"Kubernetes: {error}")
