"""Executions and definitions in memory, found by service and by id. Pure: the watch is elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.definition import ServiceDefinition
from serviceexecution.resources.execution import ServiceExecution

_NOT_KEPT = ("input", "inputJson", "podTemplate", "affinity", "env")
"""Members of a spec that no answer needs and that may be large."""


@dataclass(slots=True)
class ExecutionIndex:
    """The newest known state of executions that belong to a service."""

    _by_key: dict[tuple[str, str], ServiceExecution] = field(default_factory=dict)
    _by_id: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _by_service: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)

    def put(self, body: JsonObject) -> ServiceExecution | None:
        """Take an execution unless a newer state is known; return what is known of it now.

        None for one that is no service's, or that cannot be read.
        """
        execution = readable_execution(body)
        if execution is None or execution.spec.service_ref is None:
            return None
        key = (execution.metadata.namespace, execution.metadata.name)
        known = self._by_key.get(key)
        if known is not None:
            if _version(known) > _version(execution):
                return known
            self._forget(key, known)
        self._by_key[key] = execution
        self._by_id[key[0], execution.api_id] = key
        self._by_service.setdefault((key[0], execution.spec.service_ref.name), set()).add(key)
        return execution

    def drop(self, namespace: str, name: str, uid: str) -> None:
        """Forget a deleted execution, unless another one has its name by now."""
        known = self._by_key.get((namespace, name))
        if known is not None and known.metadata.uid == uid:
            self._forget((namespace, name), known)

    def drop_unlisted(self, listed: set[str], version: int, namespace: str | None) -> None:
        """Forget what a list as of ``version`` does not show; ``listed`` holds the uids in it."""
        gone = [
            (key, known)
            for key, known in self._by_key.items()
            if namespace in {None, key[0]} and known.metadata.uid not in listed and _version(known) <= version
        ]
        for key, known in gone:
            self._forget(key, known)

    def find(self, namespace: str, service: str, api_id: str) -> ServiceExecution | None:
        """Return the execution of that service and id."""
        key = self._by_id.get((namespace, api_id))
        execution = self._by_key.get(key) if key is not None else None
        if (
            execution is None
            or execution.spec.service_ref is None
            or execution.spec.service_ref.name != service
        ):
            return None
        return execution

    def of_service(self, namespace: str, service: str) -> Iterator[ServiceExecution]:
        """Give all executions of a service."""
        for key in self._by_service.get((namespace, service), ()):
            yield self._by_key[key]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._by_key)

    def _forget(self, key: tuple[str, str], known: ServiceExecution) -> None:
        del self._by_key[key]
        self._by_id.pop((key[0], known.api_id), None)
        service = (key[0], known.spec.service_ref.name if known.spec.service_ref is not None else "")
        keys = self._by_service.get(service, set())
        keys.discard(key)
        if not keys:
            self._by_service.pop(service, None)


@dataclass(slots=True)
class DefinitionIndex:
    """The newest known state of service definitions."""

    _by_key: dict[tuple[str, str], ServiceDefinition] = field(default_factory=dict)

    def put(self, body: JsonObject) -> ServiceDefinition | None:
        """Take a definition unless a newer state is known; None when it cannot be read."""
        definition = readable_definition(body)
        if definition is None:
            return None
        key = (definition.metadata.namespace, definition.metadata.name)
        known = self._by_key.get(key)
        if known is not None and _version(known) > _version(definition):
            return known
        self._by_key[key] = definition
        return definition

    def drop(self, namespace: str, name: str, uid: str) -> None:
        """Forget a deleted definition, unless another one has its name by now."""
        known = self._by_key.get((namespace, name))
        if known is not None and known.metadata.uid == uid:
            del self._by_key[namespace, name]

    def drop_unlisted(self, listed: set[str], version: int, namespace: str | None) -> None:
        """Forget what a list as of ``version`` does not show; ``listed`` holds the uids in it."""
        for key, known in list(self._by_key.items()):
            if (
                namespace in {None, key[0]}
                and known.metadata.uid not in listed
                and _version(known) <= version
            ):
                del self._by_key[key]

    def find(self, namespace: str, name: str) -> ServiceDefinition | None:
        """Return the definition."""
        return self._by_key.get((namespace, name))


def readable_execution(body: JsonObject) -> ServiceExecution | None:
    """Return the execution without what no answer needs, or None when this version cannot read it."""
    spec = body.get("spec")
    if isinstance(spec, dict):
        body = {**body, "spec": {name: value for name, value in spec.items() if name not in _NOT_KEPT}}
    try:
        return ServiceExecution.model_validate(body)
    except ValidationError:
        return None


def readable_definition(body: JsonObject) -> ServiceDefinition | None:
    """Return the definition, or None when this version cannot read it."""
    try:
        return ServiceDefinition.model_validate(body)
    except ValidationError:
        return None


def _version(known: ServiceExecution | ServiceDefinition) -> int:
    text = known.metadata.resource_version
    return int(text) if text.isdecimal() else 0
