"""``planqk.json`` and ``qhub.json``: what a project of the platform says of its service, taken where sx.yaml is silent.

They are read for what they mean here: name, description, runtime, CPU and memory. The rest is named and left alone.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.project.names import name_of_folder
from serviceexecution.cli.project.plan import DOCKERFILE, PROGRAM
from serviceexecution.cli.project.project_file import ProjectFile
from serviceexecution.cli.project.yaml_text import own_file
from serviceexecution.contract.json_types import JsonObject, JsonValue, object_at

PLATFORM_FILES: Final = ("qhub.json", "planqk.json")
"""The newer one first."""
MOST_BYTES: Final = 64 * 1024
"""Largest such file, and largest description."""
_LONGEST_DESCRIPTION: Final = 8192
_LONGEST_NAME: Final = 256
_RUNTIMES: Final = {"PYTHON_TEMPLATE": "python", "DOCKER": "docker"}
_MOST_CPU: Final = 1024.0
_MOST_MEMORY: Final = 65536.0
_GPU: Final = "resources.gpu (say it in spec.resources of sx.yaml)"
_OLD_BASE: Final = "planqk/job-template"
"""The image that the platform's old Python starters build on, which is no place to run here: they are Python projects.
"""


@dataclass(frozen=True, slots=True)
class PlatformProject:
    """What such a file says, as the fields of a service."""

    metadata: JsonObject = field(default_factory=dict)
    spec: JsonObject = field(default_factory=dict)
    runtime: str = ""
    """python or docker, "" when it is not said."""
    said: tuple[str, ...] = ()
    """What was taken, and what was not, in words for people."""


def read_platform_file(folder: Path) -> PlatformProject:
    """Return what the folder's file says; raises CommandError that names file, field and fix."""
    found = [name for name in PLATFORM_FILES if (folder / name).is_file()]
    data = own_file(folder, found[0], MOST_BYTES, hint="it holds a few fields") if found else None
    if data is None:
        return PlatformProject()
    name = found[0]
    document = _read(data, name)
    project = _project(document, folder, name)
    if len(found) > 1:
        return replace(project, said=(*project.said, f"{found[1]} is not read, as there is {name}."))
    return project


def with_platform_file(project: ProjectFile, platform: PlatformProject) -> ProjectFile:
    """Return the project with what sx.yaml does not say itself. Pure."""
    resources = {**object_at(platform.spec, "resources")}
    for part, own in object_at(project.spec, "resources").items():
        resources[part] = {**object_at(resources, part), **own} if isinstance(own, dict) else own
    spec: JsonObject = {**platform.spec, **project.spec}
    if resources:
        spec["resources"] = resources
    return ProjectFile({**platform.metadata, **project.metadata}, spec)


def convention(folder: Path, platform: PlatformProject) -> str:
    """Return which of two runtimes that a folder fits is meant, "" when nothing says it."""
    if platform.runtime:
        return platform.runtime
    dockerfile = folder / DOCKERFILE
    if not ((folder / PROGRAM).is_file() and dockerfile.is_file()):
        return ""
    with dockerfile.open("rb") as file:
        text = file.read(MOST_BYTES).decode(errors="replace")
    froms = [line.split() for line in text.splitlines() if line.strip().upper().startswith("FROM ")]
    return "python" if any(_OLD_BASE in word for words in froms for word in words) else ""


def _read(data: bytes, name: str) -> JsonObject:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{name} is no JSON: {error}.") from None
    if not isinstance(document, dict):
        raise CommandError(f'{name} must hold an object, such as {{"name": "my-service"}}.')
    return document


def _project(document: JsonObject, folder: Path, name: str) -> PlatformProject:
    metadata: JsonObject = {}
    spec: JsonObject = {}
    taken: list[str] = []
    title = _text(document, "name", name)
    if title:
        metadata["name"] = name_of_folder(title)
        taken.append(f"name {metadata['name']}")
        if metadata["name"] != title:
            spec["displayName"] = title[:_LONGEST_NAME]
    description = _text(document, "description", name) or _described(document, folder, name)
    if description:
        spec["description"] = description[:_LONGEST_DESCRIPTION]
        taken.append("description")
    runtime = _runtime(document, name)
    if runtime:
        taken.append(f"runtime {runtime}")
    resources, left = _resources(document, name)
    if resources:
        spec["resources"] = {"requests": resources, "limits": {**resources}}
        taken += [f"{value} of {part}" for part, value in resources.items()]
    known = {"name", "description", "descriptionFile", "runtime", "resources"}
    left += sorted(str(member)[:40] for member in document if member not in known)
    said = [f"{name} says: {', '.join(taken)}." if taken else f"{name} says nothing that is taken."]
    if left:
        said.append(f"Not taken from {name}: {', '.join(left[:10])}.")
    return PlatformProject(metadata, spec, runtime, tuple(said))


def _runtime(document: JsonObject, name: str) -> str:
    said = _text(document, "runtime", name)
    if said and said not in _RUNTIMES:
        raise CommandError(f"{name}: runtime must be {' or '.join(_RUNTIMES)}, not {said[:40]!r}.")
    return _RUNTIMES.get(said, "")


def _resources(document: JsonObject, name: str) -> tuple[dict[str, JsonValue], list[str]]:
    """Return CPU and memory as quantities, and what is not taken."""
    resources = document.get("resources")
    if resources is None:
        return {}, []
    if not isinstance(resources, dict):
        raise CommandError(f'{name}: resources must hold fields, such as {{"cpu": 1, "memory": 2}}.')
    found: dict[str, JsonValue] = {}
    cpu = _number(resources, "cpu", name, _MOST_CPU)
    if cpu is not None:
        found["cpu"] = f"{round(cpu * 1000)}m"
    memory = _number(resources, "memory", name, _MOST_MEMORY)
    if memory is not None:
        found["memory"] = f"{round(memory * 1000)}M"
    left = sorted(f"resources.{str(part)[:40]}" for part in resources if part not in {"cpu", "memory"})
    return found, [_GPU if part == "resources.gpu" else part for part in left]


def _number(resources: JsonObject, part: str, name: str, most: float) -> float | None:
    value = resources.get(part)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.001 <= value <= most:
        unit = "cores" if part == "cpu" else "gigabytes"
        raise CommandError(f"{name}: resources.{part} must be a number of {unit}, such as 0.5 or 2.")
    return float(value)


def _described(document: JsonObject, folder: Path, name: str) -> str:
    file = _text(document, "descriptionFile", name)
    if not file:
        return ""
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise CommandError(f"{name}: descriptionFile must be a file of the project, not {file[:100]!r}.")
    try:
        with path.open("rb") as opened:
            return opened.read(_LONGEST_DESCRIPTION).decode(errors="ignore").strip()
    except OSError:
        raise CommandError(f"{name}: the descriptionFile {file[:100]!r} cannot be read.") from None


def _text(document: JsonObject, member: str, name: str) -> str:
    value = document.get(member)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise CommandError(f"{name}: {member} must be a text.")
    return value.strip()
