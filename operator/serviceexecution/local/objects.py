"""The objects that a gateway asks an API server for, in memory: as much of one as a single service needs."""

import asyncio
import copy
import uuid
from collections import deque
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Final

from serviceexecution.contract.json_types import JsonObject, metadata_of, object_of, text_at
from serviceexecution.kube.client import ListPage, TokenIdentity, WatchEvent
from serviceexecution.kube.errors import AlreadyExistsError, GoneError
from serviceexecution.kube.kinds import ResourceKind

_REMEMBERED: Final = 10_000
"""Changes from which a watch can start."""
_Key = tuple[str, str, str]


class LocalObjects:
    """Owner of the objects; implements GatewayKubernetes. Everybody may do everything."""

    def __init__(self) -> None:
        self._objects: dict[_Key, JsonObject] = {}
        self._version = 1
        self._changes: deque[tuple[int, _Key, WatchEvent]] = deque(maxlen=_REMEMBERED)
        self._changed = asyncio.Condition()

    async def get(self, kind: ResourceKind, namespace: str | None, name: str) -> JsonObject | None:
        """Return the object, or None when there is none."""
        return copy.deepcopy(self._objects.get(_key(kind, namespace, name)))

    async def list_pages(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        label_selector: str | None = None,  # noqa: ARG002 - nobody asks by labels for what is here
        field_selector: str | None = None,
        metadata_only: bool = False,  # noqa: ARG002 - what is too much is not looked at
    ) -> AsyncGenerator[ListPage, None]:
        """Give all objects in one page."""
        found = [
            copy.deepcopy(body)
            for (plural, space, _), body in sorted(self._objects.items())
            if plural == kind.plural and namespace in {None, space} and _has(body, field_selector)
        ]
        yield ListPage(found, str(self._version))

    async def create(
        self,
        kind: ResourceKind,
        namespace: str | None,
        manifest: JsonObject,
        *,
        metadata_only: bool = False,  # noqa: ARG002
    ) -> JsonObject:
        """Create an object; raises AlreadyExistsError."""
        name = text_at(manifest, "metadata", "name")
        key = _key(kind, namespace, name)
        if key in self._objects:
            raise AlreadyExistsError(
                f"{kind.plural} {name} exists already", status=409, reason="AlreadyExists"
            )
        body = copy.deepcopy(manifest)
        body["metadata"] = {
            **metadata_of(body),
            "namespace": namespace,
            "uid": str(uuid.uuid4()),
            "creationTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "generation": 1,
        }
        return await self._store(key, body, "ADDED")

    async def patch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        patch: JsonObject,
        *,
        subresource: str | None = None,  # noqa: ARG002 - who patches a status names nothing else
        metadata_only: bool = False,  # noqa: ARG002
    ) -> JsonObject | None:
        """Apply a JSON merge patch; None when there is no such object."""
        key = _key(kind, namespace, name)
        if key not in self._objects:
            return None
        body = copy.deepcopy(self._objects[key])
        _merge(body, patch)
        return await self._changed_by(key, body)

    async def replace_fields(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        fields: JsonObject,
        *,
        resource_version: str,  # noqa: ARG002 - nobody else writes
    ) -> JsonObject | None:
        """Write fields of ``spec`` whole; None when there is no such object."""
        key = _key(kind, namespace, name)
        if key not in self._objects:
            return None
        body = copy.deepcopy(self._objects[key])
        body["spec"] = {**object_of(body.get("spec")), **copy.deepcopy(fields)}
        return await self._changed_by(key, body)

    async def delete(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,  # noqa: ARG002 - nobody else writes
    ) -> bool:
        """Delete an object; False when it is gone already."""
        key = _key(kind, namespace, name)
        body = self._objects.get(key)
        if body is None or uid not in {None, metadata_of(body).get("uid")}:
            return False
        del self._objects[key]
        await self._tell(key, "DELETED", body)
        return True

    async def create_token(
        self,
        namespace: str,  # noqa: ARG002
        account: str,  # noqa: ARG002
        *,
        audience: str,  # noqa: ARG002
        seconds: int,
        bound_secret: tuple[str, str] | None = None,  # noqa: ARG002
    ) -> tuple[str, datetime]:
        """Return a token; nobody looks at it."""
        return "local", datetime.now(UTC) + timedelta(seconds=seconds)

    async def watch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        timeout_seconds: int,
        resource_version: str | None = None,
        label_selector: str | None = None,  # noqa: ARG002
        field_selector: str | None = None,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Give changes as they come; raises GoneError when those before them are forgotten."""
        last = int(resource_version or self._version)
        oldest = self._changes[0][0] if self._changes else self._version
        if len(self._changes) == _REMEMBERED and last < oldest - 1:
            raise GoneError("too old", status=410, reason="Expired")
        end = asyncio.get_running_loop().time() + timeout_seconds
        while True:
            seen = self._version
            for version, (plural, space, _), event in tuple(self._changes):
                if version > last:
                    last = version
                    there = plural == kind.plural and namespace in {None, space}
                    if there and _has(event.object, field_selector):
                        yield WatchEvent(event.type, copy.deepcopy(event.object))
            last = max(last, seen)
            try:
                async with asyncio.timeout_at(end), self._changed:
                    while self._version <= last:
                        await self._changed.wait()
            except TimeoutError:
                return

    async def review_token(self, token: str, audience: str | None) -> TokenIdentity | None:  # noqa: ARG002
        """Return the one caller that there is."""
        return TokenIdentity("local")

    async def review_access(
        self,
        identity: TokenIdentity,  # noqa: ARG002
        *,
        verb: str,  # noqa: ARG002
        group: str,  # noqa: ARG002
        resource: str,  # noqa: ARG002
        subresource: str,  # noqa: ARG002
        namespace: str,  # noqa: ARG002
        name: str,  # noqa: ARG002
    ) -> bool:
        """Allow everything."""
        return True

    async def _changed_by(self, key: _Key, body: JsonObject) -> JsonObject:
        if body.get("spec") != self._objects[key].get("spec"):
            generation = metadata_of(body).get("generation")
            metadata_of(body)["generation"] = (generation if isinstance(generation, int) else 0) + 1
        return await self._store(key, body, "MODIFIED")

    async def _store(self, key: _Key, body: JsonObject, event: str) -> JsonObject:
        self._objects[key] = body
        await self._tell(key, event, body)
        return copy.deepcopy(body)

    async def _tell(self, key: _Key, event: str, body: JsonObject) -> None:
        async with self._changed:
            self._version += 1
            metadata_of(body)["resourceVersion"] = str(self._version)
            self._changes.append((self._version, key, WatchEvent(event, copy.deepcopy(body))))
            self._changed.notify_all()


def _key(kind: ResourceKind, namespace: str | None, name: str) -> _Key:
    return kind.plural, namespace or "", name


def _has(body: JsonObject, selector: str | None) -> bool:
    """Tell whether an object has what a selector ``path=value`` says; that is all that the gateway sends."""
    if not selector:
        return True
    path, _, wanted = selector.partition("=")
    return text_at(body, *path.split(".")) == wanted


def _merge(target: JsonObject, patch: JsonObject) -> None:
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict):
            inner = target.get(name)
            if not isinstance(inner, dict):
                inner = target[name] = {}
            _merge(inner, value)
        else:
            target[name] = copy.deepcopy(value)
