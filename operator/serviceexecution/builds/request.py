"""What a build's pod is told to do: the JSON object of its variable SX_BUILD_REQUEST. Pure."""

import json
from typing import Final

from serviceexecution.builds.revisions import repository_of
from serviceexecution.builds.settings import Builder, BuildsSettings
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.definition_status import Revision

REQUEST_VARIABLE: Final = "SX_BUILD_REQUEST"
TOKEN_FILE: Final = "/var/run/secrets/serviceexecution.dev/token"  # noqa: S105


def build_request(
    definition: ServiceDefinition,
    revision: Revision,
    settings: BuildsSettings,
    builder: Builder,
    *,
    gateway_url: str,
    timeout: float,
) -> str:
    """Return the request as JSON text; the same for the same arguments."""
    registry = settings.registry
    repository = repository_of(definition, registry.push)
    source = definition.spec.source
    request: JsonObject = {
        "gatewayUrl": gateway_url,
        "tokenFile": TOKEN_FILE,
        "builder": builder.value,
        "source": _source(definition),
        "subPath": (source.sub_path if source is not None else None) or "",
        **_kind(definition, settings),
        "image": f"{repository}:{revision.name}",
        "cacheImage": f"{repository}:cache",
        "registry": {
            "insecure": [registry.push_host] if registry.insecure else [],
            "mirrors": {**registry.mirrors},
            "config": bool(registry.credentials_secret),
        },
        "environment": {**settings.environment},
        "limits": {
            "archiveBytes": settings.limits.archive,
            "contextBytes": settings.limits.context,
            "contextFiles": settings.limits.files,
            "imageBytes": settings.limits.image,
        },
        "timeoutSeconds": timeout,
    }
    return json.dumps(request, sort_keys=True, ensure_ascii=False)


def _source(definition: ServiceDefinition) -> JsonObject:
    source = definition.spec.source
    if source is not None and source.archive is not None:
        return {"archive": {"digest": source.archive.digest}}
    if source is not None and source.git is not None:
        return {"git": {"url": source.git.url, "ref": source.git.ref}}
    return {}


def _kind(definition: ServiceDefinition, settings: BuildsSettings) -> JsonObject:
    runtime = definition.spec.runtime
    if runtime.python is not None:
        python = runtime.python
        return {
            "python": {
                "baseImage": settings.python_base(python.version),
                "entryPoint": python.entry_point,
                "allIndexes": python.index_strategy == "BestMatch",
            }
        }
    build = runtime.docker.build if runtime.docker is not None else None
    if build is None:
        return {}
    return {
        "docker": {
            "dockerfile": build.dockerfile,
            "target": build.target or "",
            "args": {**(build.args or {})},
        }
    }
