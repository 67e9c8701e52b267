"""Where a managed service comes from, as the platform's API says it. Pure."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, object_of, text_at
from serviceexecution.gateway.platform_api.services.bodies import text, wrong
from serviceexecution.resources.services.source import NO_ARCHIVE

_LONGEST_IMAGE: Final = 1024
_LONGEST_URL: Final = 2048
_URL: Final = re.compile(r"https?://[^/@ ]+/[^ ]*|(ssh|git)://[^ ]+|[^/@ ]+@[^: ]+:[^ ]+")


class SourceKind(Enum):
    """The three kinds of sources."""

    FILE = "file"
    REGISTRY = "registry"
    REPOSITORY = "repository"


@dataclass(frozen=True, slots=True)
class GivenSource:
    """A source as somebody has given it."""

    kind: SourceKind
    spec: JsonObject
    """``spec.source``; empty for an image."""
    image: str = ""


def given_source(source: JsonValue) -> GivenSource:
    """Return the source; raises Problem 400."""
    found = object_of(source)
    kind = next((one for one in SourceKind if one.value == found.get("type")), None)
    if kind is SourceKind.FILE:
        return GivenSource(kind, {"archive": {"digest": NO_ARCHIVE}})
    if kind is SourceKind.REGISTRY:
        return GivenSource(kind, {}, _image(found))
    if kind is SourceKind.REPOSITORY:
        url = text(found, "fullPath", _LONGEST_URL, path="$.source")
        if not url or not _URL.fullmatch(url):
            raise wrong(
                "$.source.fullPath",
                "fullPath must be the URL of a Git repository without credentials, such as https://host/group/name.git.",
            )
        return GivenSource(kind, {"git": {"url": url}})
    raise wrong("$.source.type", "type must be file, registry or repository.")


def url_of(source: JsonObject) -> str:
    """Return the URL of a source that is a repository, else ""."""
    return text_at(source, "git", "url")


def _image(found: JsonObject) -> str:
    if found.get("password") or found.get("username"):
        raise wrong(
            "$.source.password",
            "Credentials of a registry are not taken, since this gateway writes no Secrets of people: put them into "
            "one with kubectl create secret docker-registry, and name it in spec.imagePullSecrets of the "
            "ServiceDefinition, or in imagePullSecrets of the account that the service runs as.",
        )
    image = text(found, "image", _LONGEST_IMAGE, path="$.source")
    tag = text(found, "tag", 128, path="$.source")
    named = f"{image}:{tag}" if image and tag else image
    if not named or not named.isprintable() or " " in named:
        raise wrong("$.source.image", "image must be the name of a container image.")
    return named
