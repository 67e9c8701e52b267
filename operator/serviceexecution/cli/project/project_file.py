"""``sx.yaml``: what a project says of its service, a ServiceDefinition in which everything is optional.

It has no ``source``: that is what ``sx deploy`` packs. The API server checks the fields, so that there is one place
that knows them.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.project.yaml_text import own_file, read_yaml
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND

PROJECT_FILE: Final = "sx.yaml"
MOST_BYTES: Final = 1024 * 1024
"""Largest such file; a service's spec may have 256 KiB."""
_MEMBERS: Final = frozenset({"apiVersion", "kind", "metadata", "spec"})
_METADATA: Final = frozenset({"name", "namespace", "labels", "annotations"})
_SOURCE: Final = frozenset({"git", "subPath"})


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """The parts of a ``sx.yaml``; all empty where there is none."""

    metadata: JsonObject = field(default_factory=dict)
    spec: JsonObject = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return metadata.name, "" when it is not said."""
        return str(self.metadata.get("name") or "")

    @property
    def namespace(self) -> str:
        """Return metadata.namespace, "" when it is not said."""
        return str(self.metadata.get("namespace") or "")


def read_project_file(folder: Path) -> ProjectFile:
    """Return what the folder's sx.yaml says; raises CommandError."""
    data = own_file(folder, PROJECT_FILE, MOST_BYTES)
    return ProjectFile() if data is None else parse_project_file(data)


def parse_project_file(data: bytes) -> ProjectFile:
    """Return the parts of a document; raises CommandError that names the field."""
    members = _object(read_yaml(data, PROJECT_FILE), PROJECT_FILE)
    _refuse_unknown(members, _MEMBERS, "", "a field of a service belongs below spec")
    for name, wanted in (("apiVersion", f"{API_GROUP}/{API_VERSION}"), ("kind", DEFINITION_KIND)):
        if members.get(name, wanted) != wanted:
            raise CommandError(f"{PROJECT_FILE}: {name} must be {wanted}, or leave it out.")
    metadata = _object(members.get("metadata"), "metadata")
    _refuse_unknown(metadata, _METADATA, "metadata.", "leave it out")
    spec = _object(members.get("spec"), "spec")
    _refuse_unknown(
        _object(spec.get("source"), "spec.source"), _SOURCE, "spec.source.", "sx deploy sets it itself"
    )
    if "revision" in spec:
        raise CommandError(f"{PROJECT_FILE}: spec.revision is set by sx rollback; leave it out.")
    return ProjectFile(metadata, spec)


def _object(value: object, where: str) -> JsonObject:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise CommandError(f"{PROJECT_FILE}: {where} must hold fields, such as name: value.")
    return value


def _refuse_unknown(found: JsonObject, known: frozenset[str], prefix: str, hint: str) -> None:
    for name in found:
        if name not in known:
            raise CommandError(
                f"{PROJECT_FILE}: {prefix}{name} is not one of {', '.join(sorted(known))}; {hint}."
            )
