"""Definitions in memory: a little of each, and the texts of those that were used last. Pure: the watch is elsewhere."""

import json
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject, JsonValue, object_of, text_of
from serviceexecution.gateway.caches.fair_room import FairCache
from serviceexecution.gateway.state.definition_changes import DefinitionChanges
from serviceexecution.gateway.state.known_execution import version_of
from serviceexecution.resources.executions.execution import ObjectMeta
from serviceexecution.resources.names import ANNOTATION_CONTACTS, ANNOTATION_LINKS, ANNOTATION_SUMMARY
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.definition_status import ServiceDefinitionStatus

KNOWN_BYTES: Final = 48 * 2**20
"""Most memory for what is known of all definitions: some 2,500 that were built ten times. Beyond it the API server is
asked."""
TEXT_BYTES: Final = 24 * 2**20
"""Most memory for definitions' texts, which hold up to four schemas of 64 KiB. Those that are not there are fetched by
who submits to the service, or reads about it."""
LARGEST_TEXT: Final = 512 * 1024
"""Most bytes of one text that is kept: no service that can run has more."""
_RECORD_BYTES: Final = 5000
_REVISION_BYTES: Final = 1500
"""What a record and each of its revisions cost; measured."""
_LONGEST_MESSAGE: Final = 1000
_NOT_NEEDED: Final = ("podTemplate", "affinity", "env")
"""Members of a spec that no answer needs and that may be large."""
_SHOWN: Final = (ANNOTATION_SUMMARY, ANNOTATION_LINKS, ANNOTATION_CONTACTS)
"""Annotations that are shown of a service."""
LONGEST_SHOWN: Final = 32 * 1024
"""Most characters of each; a longer one is not shown."""
_NOT_OF_REVISIONS: Final = ("inputSchema", "outputSchema", "message", "step")


@dataclass(frozen=True, slots=True)
class KnownDefinition:
    """A service as far as it is remembered: whether it is there, can run, and how its builds go."""

    metadata: ObjectMeta
    """Without labels and annotations."""
    status: ServiceDefinitionStatus
    """Without schemas, and with messages of bounded length."""
    version: int
    is_built: bool
    """Whether the image is built here, and not given."""
    display_name: str | None = None
    concurrency: int | None = None
    """How many of its executions run at once, None for any number."""

    @property
    def size(self) -> int:
        """Return about how many bytes of memory the record takes."""
        return _RECORD_BYTES + _REVISION_BYTES * len(self.status.revisions)


class DefinitionIndex:
    """The newest known state of service definitions."""

    def __init__(self, *, known_bytes: int = KNOWN_BYTES, text_bytes: int = TEXT_BYTES) -> None:
        """Both are for all namespaces together."""
        self.changes = DefinitionChanges()
        """Tells of services as they change."""
        self._known: FairCache[KnownDefinition] = FairCache(known_bytes)
        self._texts: FairCache[tuple[int, bytes]] = FairCache(text_bytes)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._known)

    def put(self, body: JsonObject) -> KnownDefinition | None:
        """Take a definition unless a newer state is known; None when it cannot be read."""
        definition = known_definition(body)
        if definition is None:
            return None
        namespace, name = definition.metadata.namespace, definition.metadata.name
        known = self._known.get(namespace, name)
        if known is not None and known.version > definition.version:
            return known
        self._known.put(namespace, name, definition, definition.size)
        text = definition_text(body)
        if text is None or len(text) > LARGEST_TEXT:
            self._texts.drop(namespace, name)
        else:
            self._texts.put(namespace, name, (definition.version, text), len(text))
        self.changes.tell(namespace, name)
        return definition

    def drop(self, namespace: str, name: str, uid: str) -> None:
        """Forget a deleted definition, unless another one has its name by now."""
        known = self._known.get(namespace, name)
        if known is not None and known.metadata.uid == uid:
            self._forget(namespace, name)

    def names(self, namespace: str | None) -> list[tuple[str, str]]:
        """Return namespace and name of all, or of one namespace."""
        return [(of, name) for of, name, _ in self._known.items(namespace)]

    def drop_unlisted(self, names: list[tuple[str, str]], listed: set[str], version: int) -> None:
        """Forget those of ``names`` that a list as of ``version`` does not show; ``listed`` holds the uids in it."""
        for namespace, name in names:
            known = self._known.get(namespace, name)
            if known is not None and known.metadata.uid not in listed and known.version <= version:
                self._forget(namespace, name)

    def find(self, namespace: str, name: str) -> KnownDefinition | None:
        """Return what is known of the definition."""
        return self._known.get(namespace, name)

    def of_namespace(self, namespace: str | None) -> list[KnownDefinition]:
        """Return what is known of all definitions, or of those of a namespace."""
        return [known for _, _, known in self._known.items(namespace)]

    def text(self, known: KnownDefinition) -> bytes | None:
        """Return the text of that state or of a newer one, for ``definition_of_text``, if it is kept."""
        found = self._texts.get(known.metadata.namespace, known.metadata.name)
        return None if found is None or found[0] < known.version else found[1]

    def _forget(self, namespace: str, name: str) -> None:
        self._known.drop(namespace, name)
        self._texts.drop(namespace, name)
        self.changes.tell(namespace, name)


def known_definition(body: JsonObject) -> KnownDefinition | None:
    """Return what is remembered of a definition, or None when this version cannot read it."""
    metadata, spec, status = (object_of(body.get(part)) for part in ("metadata", "spec", "status"))
    runtime, concurrency = object_of(spec.get("runtime")), spec.get("concurrency")
    try:
        return KnownDefinition(
            metadata=ObjectMeta.model_validate(_without(metadata, ("labels", "annotations"))),
            status=ServiceDefinitionStatus.model_validate(
                {
                    **status,
                    "revisions": [
                        _without(object_of(one), _NOT_OF_REVISIONS) for one in _list(status, "revisions")
                    ],
                    "conditions": [_shortened(object_of(one)) for one in _list(status, "conditions")],
                }
            ),
            version=version_of(metadata),
            is_built="python" in runtime or "build" in object_of(runtime.get("docker")),
            display_name=text_of(spec.get("displayName"))[:256] or None,
            concurrency=concurrency if isinstance(concurrency, int) else None,
        )
    except ValidationError:
        return None


def definition_text(body: JsonObject) -> bytes | None:
    """Return what answers need of a definition as JSON, None when it is nested too deeply to be written."""
    metadata, spec, status = (object_of(body.get(part)) for part in ("metadata", "spec", "status"))
    serving = [
        one for one in _list(status, "revisions") if object_of(one).get("name") == status.get("revision")
    ]
    needed: JsonObject = {
        "metadata": {
            **_without(metadata, ("labels", "managedFields")),
            "annotations": _shown(object_of(metadata.get("annotations"))),
        },
        "spec": _without(spec, _NOT_NEEDED),
        "status": {**status, "revisions": serving},
    }
    try:
        return json.dumps(needed, separators=(",", ":")).encode()
    except RecursionError:
        return None


def definition_of_text(text: bytes) -> ServiceDefinition | None:
    """Return the definition with only the revision that serves, or None when this version cannot read it."""
    return readable_definition(json.loads(text))


def readable_definition(body: JsonObject) -> ServiceDefinition | None:
    """Return the definition, or None when this version cannot read it."""
    try:
        return ServiceDefinition.model_validate(body)
    except ValidationError:
        return None


def _list(of: JsonObject, name: str) -> list[JsonValue]:
    value = of.get(name)
    return value if isinstance(value, list) else []


def _without(value: JsonObject, names: tuple[str, ...]) -> JsonObject:
    return {name: member for name, member in value.items() if name not in names}


def _shown(annotations: JsonObject) -> JsonObject:
    texts = {name: text_of(annotations.get(name)) for name in _SHOWN}
    return {name: text for name, text in texts.items() if 0 < len(text) <= LONGEST_SHOWN}


def _shortened(condition: JsonObject) -> JsonObject:
    message = condition.get("message")
    return {**condition, "message": message[:_LONGEST_MESSAGE]} if isinstance(message, str) else condition
