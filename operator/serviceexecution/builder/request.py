"""What is to be built: ``SX_BUILD_REQUEST``, written by the controller, read once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from serviceexecution.builder.failures.errors import BuildError, Reason

VARIABLE: Final = "SX_BUILD_REQUEST"
BUILDERS: Final = ("buildkit", "buildah")

_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_ENTRY_POINT: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_IMAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")

JsonMapping = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ArchiveSource:
    """An archive that the gateway has; ``digest`` is its SHA-256 in hexadecimal."""

    digest: str


@dataclass(frozen=True, slots=True)
class GitSource:
    """A repository and the branch, tag or commit of it."""

    url: str
    ref: str


@dataclass(frozen=True, slots=True)
class DockerBuild:
    """A build by the project's own Dockerfile; ``dockerfile`` is relative to the project."""

    dockerfile: str
    target: str
    args: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PythonBuild:
    """A build of a Python project on ``base_image``; with ``all_indexes`` the best version of all of them is taken."""

    base_image: str
    entry_point: str
    all_indexes: bool = False


@dataclass(frozen=True, slots=True)
class Registry:
    """How registries are spoken to: ``insecure`` lists host:port without proper TLS, ``mirrors`` maps a registry
    to where its images are looked for first, ``login`` says whether a docker config is mounted."""

    insecure: tuple[str, ...]
    mirrors: Mapping[str, str]
    login: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is taken, in bytes and number of files."""

    archive_bytes: int
    context_bytes: int
    context_files: int
    image_bytes: int


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One build. Either ``docker`` or ``python`` is given."""

    gateway_url: str
    token_file: str
    builder: str
    source: ArchiveSource | GitSource
    sub_path: str
    docker: DockerBuild | None
    python: PythonBuild | None
    image: str
    cache_image: str
    registry: Registry
    environment: Mapping[str, str]
    limits: Limits
    timeout_seconds: float


def parse_request(text: str) -> BuildRequest:
    """Return the request in ``text``; raises BuildError (BuilderFailed) that names what is wrong with it."""
    try:
        value: object = json.loads(text)
    except ValueError as error:
        raise _wrong("", f"is not JSON: {error}") from None
    top = _mapping(value, "")
    builder = _text(top, "builder", pattern=re.compile("|".join(BUILDERS)))
    docker = _docker(_mapping(top["docker"], "docker")) if top.get("docker") is not None else None
    python = _python(_mapping(top["python"], "python")) if top.get("python") is not None else None
    if (docker is None) == (python is None):
        raise _wrong("", "must have either docker or python")
    return BuildRequest(
        gateway_url=_text(top, "gatewayUrl", pattern=re.compile(r"https?://[^\s]+")),
        token_file=_text(top, "tokenFile", pattern=re.compile(r"/.+")),
        builder=builder,
        source=_source(_member(top, "source")),
        sub_path=_relative(top, "subPath"),
        docker=docker,
        python=python,
        image=_text(top, "image", pattern=_IMAGE),
        cache_image=_text(top, "cacheImage", default="", pattern=re.compile(f"({_IMAGE.pattern})?")),
        registry=_registry(_member(top, "registry", optional=True)),
        environment=_texts(top, "environment"),
        limits=_limits(_member(top, "limits")),
        timeout_seconds=_number(top, "timeoutSeconds"),
    )


def _source(source: JsonMapping) -> ArchiveSource | GitSource:
    archive, git = source.get("archive"), source.get("git")
    if (archive is None) == (git is None):
        raise _wrong("source", "must have either archive or git")
    if archive is not None:
        found = _DIGEST.fullmatch(_text(_mapping(archive, "source.archive"), "digest", "source.archive"))
        if found is None:
            raise _wrong("source.archive.digest", "must be sha256: and 64 hexadecimal digits")
        return ArchiveSource(found.group(1))
    fields = _mapping(git, "source.git")
    return GitSource(
        _text(fields, "url", "source.git", pattern=re.compile(r"[^-\s][^\s]*")),
        _text(fields, "ref", "source.git", default="HEAD", pattern=re.compile(r"[^-\s][^\s:]*")),
    )


def _docker(docker: JsonMapping) -> DockerBuild:
    return DockerBuild(
        _relative(docker, "dockerfile", "docker") or "Dockerfile",
        _text(docker, "target", "docker", default=""),
        _texts(docker, "args", "docker"),
    )


def _python(python: JsonMapping) -> PythonBuild:
    return PythonBuild(
        _text(python, "baseImage", "python", pattern=_IMAGE),
        _text(python, "entryPoint", "python", pattern=_ENTRY_POINT),
        all_indexes=python.get("allIndexes") is True,
    )


def _registry(registry: JsonMapping) -> Registry:
    insecure = registry.get("insecure") or []
    if not isinstance(insecure, list) or not all(isinstance(one, str) for one in insecure):
        raise _wrong("registry.insecure", "must be a list of texts")
    return Registry(
        tuple(insecure), _texts(registry, "mirrors", "registry"), login=registry.get("config") is True
    )


def _limits(limits: JsonMapping) -> Limits:
    return Limits(
        *(
            int(_number(limits, name, "limits"))
            for name in ("archiveBytes", "contextBytes", "contextFiles", "imageBytes")
        )
    )


def _wrong(path: str, problem: str) -> BuildError:
    where = f"{VARIABLE}: {path}" if path else VARIABLE
    return BuildError(
        Reason.BUILDER_FAILED, f"{where} {problem}; controller and builder must have the same version."
    )


def _mapping(value: object, path: str) -> JsonMapping:
    if not isinstance(value, dict):
        raise _wrong(path, "must be an object")
    return value


def _member(fields: JsonMapping, name: str, *, optional: bool = False) -> JsonMapping:
    value = fields.get(name)
    return {} if value is None and optional else _mapping(value, name)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _text(
    fields: JsonMapping,
    name: str,
    path: str = "",
    *,
    default: str | None = None,
    pattern: re.Pattern[str] | None = None,
) -> str:
    value = fields.get(name)
    if value is None:
        value = default
    if not isinstance(value, str):
        raise _wrong(_joined(path, name), "must be a text")
    if "\0" in value or "\n" in value or (pattern is not None and pattern.fullmatch(value) is None):
        raise _wrong(_joined(path, name), f"has the wrong form: {value[:100]!r}")
    return value


def _relative(fields: JsonMapping, name: str, path: str = "") -> str:
    value = _text(fields, name, path, default="")
    if value.startswith("/") or ".." in value.split("/"):
        raise _wrong(_joined(path, name), "must be a relative path without '..'")
    return value.strip("/")


def _texts(fields: JsonMapping, name: str, path: str = "") -> dict[str, str]:
    value = fields.get(name)
    texts = {} if value is None else _mapping(value, _joined(path, name))
    result = {}
    for key, text in texts.items():
        if not isinstance(text, str) or _NAME.fullmatch(key) is None:
            raise _wrong(_joined(path, name), f"must have names and texts, not {key[:100]!r}")
        result[key] = text
    return result


def _number(fields: JsonMapping, name: str, path: str = "") -> float:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise _wrong(_joined(path, name), "must be a number greater than zero")
    return value
