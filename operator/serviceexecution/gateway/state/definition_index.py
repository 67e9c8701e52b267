"""Definitions in memory. Pure: the watch is elsewhere."""

from dataclasses import dataclass, field

from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.definition import ServiceDefinition


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

    def names(self, namespace: str | None) -> list[tuple[str, str]]:
        """Return namespace and name of all, or of one namespace."""
        return [key for key in self._by_key if namespace in {None, key[0]}]

    def drop_unlisted(self, names: list[tuple[str, str]], listed: set[str], version: int) -> None:
        """Forget those of ``names`` that a list as of ``version`` does not show; ``listed`` holds the uids in it."""
        for key in names:
            known = self._by_key.get(key)
            if known is not None and known.metadata.uid not in listed and _version(known) <= version:
                del self._by_key[key]

    def find(self, namespace: str, name: str) -> ServiceDefinition | None:
        """Return the definition."""
        return self._by_key.get((namespace, name))


def readable_definition(body: JsonObject) -> ServiceDefinition | None:
    """Return the definition, or None when this version cannot read it."""
    try:
        return ServiceDefinition.model_validate(body)
    except ValidationError:
        return None


def _version(known: ServiceDefinition) -> int:
    text = known.metadata.resource_version
    return int(text) if text.isdecimal() else 0
