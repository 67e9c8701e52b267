"""The objects of the API server in memory, their versions, and what goes with them."""

import copy
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import ResourceKind
from tests.support.api_server.bodies import merge, metadata_of, owners_of
from tests.support.api_server.changes import Change, Changes
from tests.support.api_server.selectors import is_selected


def _utc_now() -> datetime:
    return datetime.now(UTC)


class StoredObjects:
    """Objects by plural, namespace and name.

    The methods are what others do: users, the kubelet, the Job controller. They are no requests of the tested client.
    A test may reach into ``objects`` too; nobody who watches is told of that.
    """

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self.now = now
        self.objects: dict[tuple[str, str | None, str], JsonObject] = {}
        self.version = 100
        self.changes = Changes(self.version)

    def put(self, kind: ResourceKind, manifest: JsonObject) -> JsonObject:
        """Store an object with what the API server adds to it."""
        body = copy.deepcopy(manifest)
        metadata = metadata_of(body)
        metadata.setdefault("uid", str(uuid.uuid4()))
        metadata.setdefault("creationTimestamp", self._timestamp())
        if "spec" in body:
            metadata.setdefault("generation", 1)
        namespace = metadata.get("namespace")
        key = (kind.plural, None if namespace is None else str(namespace), str(metadata["name"]))
        self._store(key, body)
        return copy.deepcopy(body)

    def change(self, kind: ResourceKind, namespace: str | None, name: str, patch: JsonObject) -> JsonObject:
        """Merge a patch into an object; a change makes a new version, one of the spec a new generation."""
        changed = copy.deepcopy(self.objects[kind.plural, namespace, name])
        merge(changed, patch)
        return self.replace(kind, namespace, name, changed)

    def replace(self, kind: ResourceKind, namespace: str | None, name: str, body: JsonObject) -> JsonObject:
        """Store another version of an object, if it differs."""
        key = (kind.plural, namespace, name)
        before = self.objects[key]
        if body != before:
            metadata = metadata_of(body)
            if body.get("spec") != before.get("spec"):
                metadata["generation"] = int(str(metadata.get("generation", 0))) + 1
            self._store(key, body)
            if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
                self._remove(key)
        return copy.deepcopy(body)

    def remove(self, kind: ResourceKind, namespace: str | None, name: str) -> None:
        """Delete an object and, as the garbage collector does, what it owns.

        With finalizers, it only says that it is to go.
        """
        key = (kind.plural, namespace, name)
        if metadata_of(self.objects[key]).get("finalizers"):
            self.change(kind, namespace, name, {"metadata": {"deletionTimestamp": self._timestamp()}})
        else:
            self._remove(key)

    def one(self, kind: ResourceKind) -> JsonObject | None:
        """Return the only object of a kind, None when there is none."""
        found = [body for (plural, _, _), body in self.objects.items() if plural == kind.plural]
        assert len(found) <= 1
        return found[0] if found else None

    def selected(
        self, kind: ResourceKind, namespace: str | None, labels: str | None, fields: str | None
    ) -> list[JsonObject]:
        """Return the chosen objects in the API server's order, as they are stored."""
        found = [
            (space or "", name, body)
            for (plural, space, name), body in self.objects.items()
            if plural == kind.plural and namespace in {None, space} and is_selected(body, labels, fields)
        ]
        return [body for _, _, body in sorted(found, key=lambda one: one[:2])]

    def _store(self, key: tuple[str, str | None, str], body: JsonObject) -> None:
        self.version += 1
        metadata_of(body)["resourceVersion"] = str(self.version)
        before = dict(self.objects[key]) if key in self.objects else None
        stored = self.objects.setdefault(key, {})  # The same for as long as there is one: tests hold it
        stored.clear()
        stored.update(body)
        self.changes.add(Change(self.version, *key[:2], before, dict(stored)))

    def _remove(self, key: tuple[str, str | None, str]) -> None:
        body = self.objects.pop(key)
        self.version += 1
        self.changes.add(Change(self.version, *key[:2], body, None))
        uid = metadata_of(body).get("uid")
        for other in [other for other, owned in self.objects.items() if uid in owners_of(owned)]:
            owned = self.objects.get(other)
            if owned is not None and not self._exist(owners_of(owned)):
                self._remove(other)

    def _exist(self, uids: set[str]) -> bool:
        return any(metadata_of(body).get("uid") in uids for body in self.objects.values())

    def _timestamp(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")
