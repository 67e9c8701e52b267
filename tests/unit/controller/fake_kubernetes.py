"""An API server in memory, as far as the controller speaks to it: versions, conflicts, owners, status apart."""

import copy
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, cast

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import ListPage, ObjectList
from serviceexecution.kube.errors import AlreadyExistsError, ConflictError, KubernetesError
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    EVENTS,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SECRETS,
    SERVICE_DEFINITIONS,
    SERVICE_EXECUTIONS,
    ResourceKind,
)

WRITES: Final = frozenset({"create", "patch", "delete"})


class Crash(Exception):  # noqa: N818 - it is no error of the program, but its end
    """The controller's process ends here."""


class Request(NamedTuple):
    """What was asked."""

    verb: str
    resource: str
    name: str


@dataclass
class FakeKubernetes:
    """Objects by kind, namespace and name. ``hook`` is called before and after each request and may raise."""

    now: Callable[[], datetime]
    objects: dict[tuple[str, str, str], JsonObject] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    hook: Callable[[Request, str], None] | None = None
    asked: list[tuple[str, bool]] = field(default_factory=list)
    """Kinds that were listed in pages, and whether by their metadata alone."""
    version: int = 100
    created: Counter[str] = field(default_factory=Counter)
    """How many objects of each kind clients have created."""

    async def get(self, kind: ResourceKind, namespace: str, name: str) -> JsonObject | None:
        with _Asked(self, Request("get", kind.plural, name)):
            found = self.objects.get((kind.plural, namespace, name))
            return copy.deepcopy(found)

    async def list(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> ObjectList:
        with _Asked(self, Request("list", kind.plural, "")):
            items = [
                copy.deepcopy(body)
                for (plural, space, _), body in sorted(self.objects.items())
                if plural == kind.plural
                and namespace in {None, space}
                and _labelled(body, label_selector)
                and _about(body, field_selector)
            ]
            return ObjectList(items, str(self.version))

    async def list_pages(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        metadata_only: bool = False,
        limit: int = 2,
    ) -> AsyncGenerator[ListPage, None]:
        found = await self.list(kind, namespace, label_selector=label_selector, field_selector=field_selector)
        items: list[JsonObject] = found.items
        self.asked.append((kind.plural, metadata_only))
        if metadata_only:
            items = [{"metadata": item["metadata"]} for item in items]
        for start in range(0, max(len(items), 1), min(limit, 2)):
            yield ListPage(items[start : start + min(limit, 2)], found.resource_version)

    async def create(self, kind: ResourceKind, namespace: str, manifest: JsonObject) -> JsonObject:
        name = str(metadata_of(manifest)["name"])
        with _Asked(self, Request("create", kind.plural, name)):
            if (kind.plural, namespace, name) in self.objects:
                raise AlreadyExistsError(f"{kind.plural} {name} exists", status=409, reason="AlreadyExists")
            self.created[kind.plural] += 1
            return self.put(kind, manifest)

    async def patch(
        self,
        kind: ResourceKind,
        namespace: str,
        name: str,
        patch: JsonObject,
        *,
        subresource: str | None = None,
    ) -> JsonObject | None:
        resource = kind.plural if subresource is None else f"{kind.plural}/{subresource}"
        with _Asked(self, Request("patch", resource, name)):
            found = self.objects.get((kind.plural, namespace, name))
            if found is None:
                return None
            expected = metadata_of(patch).get("resourceVersion") if "metadata" in patch else None
            if expected is not None and expected != metadata_of(found)["resourceVersion"]:
                raise ConflictError("the object has been modified", status=409, reason="Conflict")
            part = "status" if subresource == "status" else "spec"
            return self.change(kind, namespace, name, {part: patch.get(part, {})})

    async def delete(
        self, kind: ResourceKind, namespace: str, name: str, *, uid: str | None = None, **_: object
    ) -> bool:
        with _Asked(self, Request("delete", kind.plural, name)):
            found = self.objects.get((kind.plural, namespace, name))
            if found is None or uid not in {None, metadata_of(found)["uid"]}:
                return False
            self.remove(kind, namespace, name)
            return True

    # What others do: users, the kubelet, the Job controller. Not counted as requests.

    def put(self, kind: ResourceKind, manifest: JsonObject) -> JsonObject:
        """Store an object with what the API server adds to it."""
        body = copy.deepcopy(manifest)
        metadata = metadata_of(body)
        self.version += 1
        metadata.setdefault("uid", f"uid-{kind.plural}-{self.version}")
        metadata.setdefault("creationTimestamp", self.now().isoformat())
        metadata["resourceVersion"] = str(self.version)
        metadata.setdefault("generation", 1)
        self.objects[kind.plural, str(metadata["namespace"]), str(metadata["name"])] = body
        return copy.deepcopy(body)

    def change(self, kind: ResourceKind, namespace: str, name: str, patch: JsonObject) -> JsonObject:
        """Merge a patch into an object; a change makes a new version, one of the spec a new generation."""
        body = self.objects[kind.plural, namespace, name]
        before = copy.deepcopy(body)
        _merge(body, patch)
        if body != before:
            self.version += 1
            metadata_of(body)["resourceVersion"] = str(self.version)
            if body.get("spec") != before.get("spec"):
                metadata_of(body)["generation"] = int(cast("int", metadata_of(body)["generation"])) + 1
        return copy.deepcopy(body)

    def remove(self, kind: ResourceKind, namespace: str, name: str) -> None:
        """Delete an object and, as the garbage collector does, what it owns."""
        body = self.objects.pop((kind.plural, namespace, name))
        self.version += 1
        uid = metadata_of(body)["uid"]
        for plural, space, other in list(self.objects):
            owned = self.objects.get((plural, space, other))
            owners = cast("list[JsonObject]", metadata_of(owned).get("ownerReferences", [])) if owned else []
            if any(owner["uid"] == uid for owner in owners):
                self.remove(KINDS[plural], space, other)

    def one(self, kind: ResourceKind) -> JsonObject | None:
        """Return the only object of a kind, None when there is none."""
        found = [body for (plural, _, _), body in self.objects.items() if plural == kind.plural]
        assert len(found) <= 1
        return found[0] if found else None

    def writes(self) -> Sequence[str]:
        """Return the writes, Events apart."""
        return [
            f"{request.verb} {request.resource}"
            for request in self.requests
            if request.verb in WRITES and request.resource != EVENTS.plural
        ]


KINDS: Final = {
    kind.plural: kind
    for kind in (
        SERVICE_EXECUTIONS,
        SERVICE_DEFINITIONS,
        SECRETS,
        JOBS,
        PODS,
        CONFIG_MAPS,
        PERSISTENT_VOLUME_CLAIMS,
        EVENTS,
    )
}


class _Asked:
    """Counts a request and calls the hook around it."""

    def __init__(self, server: FakeKubernetes, request: Request) -> None:
        self._server = server
        self._request = request

    def __enter__(self) -> None:
        self._server.requests.append(self._request)
        if self._server.hook is not None:
            self._server.hook(self._request, "before")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._server.hook is not None:
            self._server.hook(self._request, "after")


def metadata_of(body: JsonObject) -> JsonObject:
    """Return an object's metadata, to be changed in place."""
    return cast("JsonObject", body["metadata"])


def refusal(status: int, message: str) -> KubernetesError:
    """Return what the client raises for a refused request."""
    return KubernetesError(message, status=status, reason="Forbidden" if status == 403 else "Invalid")


def _merge(target: JsonObject, patch: JsonObject) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            inner = target.setdefault(key, {})
            if not isinstance(inner, dict):
                inner = target[key] = {}
            _merge(inner, value)
        else:
            target[key] = copy.deepcopy(value)


def _labelled(body: JsonObject, selector: str | None) -> bool:
    if selector is None:
        return True
    labels = cast("JsonObject", metadata_of(body).get("labels", {}))
    key, equals, value = selector.partition("=")
    return key in labels and (not equals or labels[key] == value)


def _about(body: JsonObject, selector: str | None) -> bool:
    if selector is None:
        return True
    wanted = dict(part.split("=", 1) for part in selector.split(","))
    about = cast("JsonObject", body.get("involvedObject", {}))
    return about.get("uid") == wanted["involvedObject.uid"] and body.get("type") == wanted["type"]
