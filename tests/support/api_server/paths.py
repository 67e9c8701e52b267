"""The API's paths in front of the API server in memory, for clients that speak HTTP."""

import re
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import ResourceKind
from tests.support.api_server.bodies import metadata_of
from tests.support.api_server.objects import StoredObjects

_PATH: Final = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a path leads to: a collection, an object, or a subresource of it."""

    kind: ResourceKind
    namespace: str | None
    name: str | None
    subresource: str | None

    @property
    def key(self) -> tuple[str, str | None, str]:
        """Return where the object is stored."""
        assert self.name is not None
        return self.kind.plural, self.namespace, self.name


def place_of(path: str) -> Place:
    """Return what a path leads to."""
    found = _PATH.fullmatch(path)
    assert found is not None, f"{path} is no path of the API"
    kind = ResourceKind(found["group"] or "", found["version"], found["plural"])
    return Place(kind, found["namespace"], found["name"], found["subresource"])


class ObjectsByPath(MutableMapping[str, JsonObject]):
    """The same objects by the paths below which they were stored or asked for."""

    def __init__(self, stored: StoredObjects) -> None:
        self._stored = stored
        self._paths: dict[tuple[str, str | None, str], str] = {}

    def __getitem__(self, path: str) -> JsonObject:
        return self._stored.objects[self._key(path)]

    def __setitem__(self, path: str, body: JsonObject) -> None:
        place = place_of(path)
        _, namespace, name = self._key(path)
        metadata: JsonObject = {**metadata_of({"metadata": {}, **body}), "name": name}
        if namespace is not None:
            metadata["namespace"] = namespace
        self._stored.put(place.kind, {**body, "metadata": metadata})

    def __delitem__(self, path: str) -> None:
        del self._stored.objects[self._key(path)]

    def __iter__(self) -> Iterator[str]:
        return iter([self._paths.get(key, "") for key in self._stored.objects])

    def __len__(self) -> int:
        return len(self._stored.objects)

    def remember(self, path: str) -> None:
        """Let an object that was stored otherwise have this path."""
        self._key(path)

    def _key(self, path: str) -> tuple[str, str | None, str]:
        key = place_of(path).key
        self._paths[key] = path
        return key
