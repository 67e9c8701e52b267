"""What a deployment will do: the kind of project, its name, the manifest. Looks which files exist, and no more."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.project.names import checked_name, name_of_folder
from serviceexecution.cli.project.project_file import PROJECT_FILE, ProjectFile
from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND

PROGRAM: Final = "src/program.py"
DOCKERFILE: Final = "Dockerfile"
ENTRY_POINT: Final = "user_code.src.program:run"


class RuntimeKind(StrEnum):
    """How a project becomes an image."""

    PYTHON = "python"
    DOCKER = "docker"
    IMAGE = "image"
    """It is one already: nothing is built."""


_FILES: Final = {RuntimeKind.PYTHON: PROGRAM, RuntimeKind.DOCKER: DOCKERFILE}
"""By which a folder is known."""


@dataclass(frozen=True, slots=True)
class GitWish:
    """A repository to build from instead of the folder."""

    url: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A deployment, but for the digest of what is packed."""

    name: str
    kind: RuntimeKind
    project: ProjectFile
    git: GitWish | None = None

    @property
    def packs(self) -> bool:
        """Tell whether the folder is packed and uploaded."""
        return self.kind is not RuntimeKind.IMAGE and self.git is None

    @property
    def dockerfile(self) -> str:
        """Return the Dockerfile's path in the folder."""
        build = _members(_members(_members(self.project.spec, "runtime"), "docker"), "build")
        found = str(build.get("dockerfile") or DOCKERFILE)
        sub_path = str(_members(self.project.spec, "source").get("subPath") or "").strip("/")
        return f"{sub_path}/{found}" if sub_path else found


def make_plan(
    folder: Path,
    project: ProjectFile,
    *,
    name: str = "",
    runtime: str = "",
    git_url: str = "",
    git_ref: str = "",
    convention: str = "",
) -> Plan:
    """Return what to do with a folder; raises CommandError with what is missing.

    ``convention`` is the runtime that counts when neither sx.yaml nor the caller says one.
    """
    if git_ref and not git_url:
        raise CommandError(
            "--ref names a branch, a tag or a commit of a repository: give its URL with --git."
        )
    in_file = _members(_members(project.spec, "source"), "git")
    if not git_url and in_file:
        git_url, git_ref = str(in_file.get("url") or ""), str(in_file.get("ref") or "")
    git = GitWish(git_url, git_ref) if git_url else None
    wanted = RuntimeKind(runtime) if runtime else None
    kind = _kind(folder, project, wanted, convention, from_git=git is not None)
    if name:
        checked_name(name, field="--name")
    elif project.name:
        name = checked_name(project.name, field=f"{PROJECT_FILE}: metadata.name")
    else:
        name = name_of_folder(folder.resolve().name)
    return Plan(name, kind, project, git)


def manifest(plan: Plan, namespace: str, *, digest: str = "", build_token: str = "") -> JsonObject:
    """Return the ServiceDefinition. ``digest`` is that of the archive, ``build_token`` what asks for a new build."""
    spec: JsonObject = dict(plan.project.spec)
    spec["runtime"] = _runtime(plan)
    source = dict(_members(spec, "source"))
    if plan.git is not None:
        known = _members(source, "git")
        source["git"] = {**known, "url": plan.git.url, **({"ref": plan.git.ref} if plan.git.ref else {})}
    elif plan.packs:
        source["archive"] = {"digest": f"sha256:{digest}"}
    if source:
        spec["source"] = source
    if build_token:
        spec["build"] = {**_members(spec, "build"), "token": build_token}
    metadata = {name: value for name, value in plan.project.metadata.items() if value}
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": DEFINITION_KIND,
        "metadata": {**metadata, "name": plan.name, "namespace": namespace},
        "spec": {name: _without_nulls(value) for name, value in spec.items() if value is not None},
    }


def _kind(
    folder: Path, project: ProjectFile, wanted: RuntimeKind | None, convention: str, *, from_git: bool
) -> RuntimeKind:
    said = _said_kind(project)
    if said is not None:
        if wanted is not None and wanted is not said:
            raise CommandError(
                f"{PROJECT_FILE} says spec.runtime is {said}; change it there, not with --runtime."
            )
        return said
    if wanted is not None:
        return wanted
    if from_git:
        raise CommandError("Say with --runtime python or --runtime docker what the repository holds.")
    root = folder / str(_members(project.spec, "source").get("subPath") or "")
    found = [kind for kind, path in _FILES.items() if (root / path).is_file()]
    if not found:
        raise CommandError(
            f"{root} holds neither {PROGRAM} nor a {DOCKERFILE}; start a project with: sx init python NAME"
        )
    if convention in found:
        return RuntimeKind(convention)
    if convention:
        raise CommandError(
            f"{root} is said to be a {convention} project, but there is no {_FILES[RuntimeKind(convention)]}."
        )
    if len(found) > 1:
        raise CommandError(
            f"{root} holds both {PROGRAM} and a {DOCKERFILE}; choose one with --runtime python or --runtime docker."
        )
    return found[0]


def _said_kind(project: ProjectFile) -> RuntimeKind | None:
    runtime = _members(project.spec, "runtime")
    if "python" in runtime and "docker" in runtime:
        raise CommandError(f"{PROJECT_FILE}: spec.runtime holds both python and docker; leave one of them.")
    if "python" in runtime:
        return RuntimeKind.PYTHON
    if "docker" in runtime:
        return RuntimeKind.IMAGE if "image" in _members(runtime, "docker") else RuntimeKind.DOCKER
    return None


def _runtime(plan: Plan) -> JsonObject:
    # Never an empty object: the API server makes null of one whose members an earlier deployment had set
    runtime = _members(plan.project.spec, "runtime")
    docker = _members(runtime, "docker")
    match plan.kind:
        case RuntimeKind.PYTHON:
            return {"python": {"entryPoint": ENTRY_POINT, **_members(runtime, "python")}}
        case RuntimeKind.DOCKER:
            return {"docker": {**docker, "build": {"dockerfile": DOCKERFILE, **_members(docker, "build")}}}
        case RuntimeKind.IMAGE:
            return {"docker": docker}


def _without_nulls(value: JsonValue) -> JsonValue:
    """Return the value without members that are null: in YAML they are fields without a value."""
    if not isinstance(value, dict):
        return value
    return {name: _without_nulls(member) for name, member in value.items() if member is not None}


def _members(found: JsonObject, name: str) -> JsonObject:
    value = found.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise CommandError(f"{PROJECT_FILE}: {name} must hold fields, such as name: value.")
    return value
