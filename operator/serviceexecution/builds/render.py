"""Renders the Job of one attempt at a build. Pure: the same for the same arguments."""

from typing import Final

from serviceexecution.builds.names import build_job_name, build_labels
from serviceexecution.builds.request import REQUEST_VARIABLE, TOKEN_FILE, build_request
from serviceexecution.builds.settings import Builder, BuildsSettings
from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.contract.quantities import format_quantity
from serviceexecution.resources.names import (
    ANNOTATION_SOURCE_DIGEST,
    API_GROUP,
    API_VERSION,
    BUILDER_TOKEN_AUDIENCE,
    DEFINITION_KIND,
    MAIN_CONTAINER,
)
from serviceexecution.resources.pods.pod_protection import NO_SIDECARS, PROTECTION
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.definition_status import Revision

WORK_DIRECTORY: Final = "/build"
MOUNTS: Final = "/run/build"
CACHE_DIRECTORY: Final = "/cache"
BUILD_USER: Final = 1000
_TOKEN_SECONDS: Final = 3600
_SPARE_SECONDS: Final = 3600
"""Beyond timeout and start limit, until a pod is stopped even if the operator is down."""

_PLATFORM_LABELS: Final = ("kubernetes.io/arch", "kubernetes.io/os")
"""What of the service's node selector counts for its builds: the image must run there."""


def render_build(
    definition: ServiceDefinition,
    revision: Revision,
    settings: BuildsSettings,
    *,
    gateway_url: str,
    timeout: float,
    start_timeout: float,
    with_cache: bool,
) -> JsonObject:
    """Return the Job of the revision's current attempt. Times in seconds.

    ``with_cache``: the claim of spec.build.cache is mounted.
    """
    builder = Builder(revision.builder or Builder.BUILDKIT)
    labels = build_labels(definition.metadata, revision.name, revision.attempts)
    request = build_request(definition, revision, settings, builder, gateway_url=gateway_url, timeout=timeout)
    volumes, mounts = _volumes(definition, settings, with_cache=with_cache)
    pod: JsonObject = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "activeDeadlineSeconds": int(timeout + start_timeout) + _SPARE_SECONDS,
        "securityContext": {
            "fsGroup": BUILD_USER,
            "fsGroupChangePolicy": "OnRootMismatch",
        },
        "containers": [
            {
                "name": MAIN_CONTAINER,
                "image": settings.image,
                "imagePullPolicy": settings.image_pull_policy,
                "env": [{"name": REQUEST_VARIABLE, "value": request}],
                "resources": _resources(definition, settings),
                "securityContext": _security(builder, settings),
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": mounts,
            }
        ],
        "volumes": volumes,
    }
    selector = definition.spec.node_selector or {}
    platform: JsonObject = {name: selector[name] for name in _PLATFORM_LABELS if name in selector}
    if platform:
        pod["nodeSelector"] = platform
    metadata: JsonObject = {
        "name": build_job_name(definition.metadata, revision.name, revision.attempts),
        "namespace": definition.metadata.namespace,
        "labels": {**labels},
        "ownerReferences": [_owner(definition)],
    }
    source = definition.spec.source
    if source is not None and source.archive is not None:
        metadata["annotations"] = {ANNOTATION_SOURCE_DIGEST: source.archive.digest}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "podReplacementPolicy": "Failed",
            "template": {
                "metadata": {"labels": {**labels, **NO_SIDECARS}, "annotations": {**PROTECTION}},
                "spec": pod,
            },
        },
    }


def _owner(definition: ServiceDefinition) -> JsonObject:
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": DEFINITION_KIND,
        "name": definition.metadata.name,
        "uid": definition.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _resources(definition: ServiceDefinition, settings: BuildsSettings) -> JsonObject:
    build = definition.spec.build
    asked = build.resources if build is not None else None
    found: JsonObject = (asked or settings.resources).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    return found


def _security(builder: Builder, settings: BuildsSettings) -> JsonObject:
    context: JsonObject = {
        "runAsUser": BUILD_USER,
        "runAsGroup": BUILD_USER,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
    }
    if builder is Builder.BUILDAH:
        # One user alone exists in its build, so that it needs nothing that Pod Security restricted refuses.
        context["allowPrivilegeEscalation"] = False
        context["capabilities"] = {"drop": ["ALL"]}
    else:
        # newuidmap and newgidmap carry these two; with allowPrivilegeEscalation false they could not use them.
        context["capabilities"] = {"drop": ["ALL"], "add": ["SETUID", "SETGID"]}
    if settings.seccomp_profile:
        context["seccompProfile"] = {"type": "Localhost", "localhostProfile": settings.seccomp_profile}
    return context


def _volumes(
    definition: ServiceDefinition, settings: BuildsSettings, *, with_cache: bool
) -> tuple[list[JsonValue], list[JsonValue]]:
    """Return volumes and mounts. Secrets are named, never read: the kubelet gives them to the pod."""
    limits = settings.limits
    # A far backstop: the kubelet's own limit evicts the pod. The source, unpacked, and the image in layers, in a
    # snapshot and packed.
    size = limits.archive + limits.context + 3 * limits.image
    volumes: list[JsonValue] = [
        {"name": "build", "emptyDir": {"sizeLimit": format_quantity(size)}},
        {"name": "tmp", "emptyDir": {"sizeLimit": format_quantity(size)}},
        {
            "name": "token",
            "projected": {
                "sources": [
                    {
                        "serviceAccountToken": {
                            "audience": BUILDER_TOKEN_AUDIENCE,
                            "expirationSeconds": _TOKEN_SECONDS,
                            "path": "token",
                        }
                    }
                ]
            },
        },
    ]
    mounts: list[JsonValue] = [
        {"name": "build", "mountPath": WORK_DIRECTORY},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        # buildah writes here whatever TMPDIR says, when it looks an earlier layer up.
        {"name": "tmp", "mountPath": "/var/tmp"},  # noqa: S108
        {"name": "token", "mountPath": TOKEN_FILE.rpartition("/")[0], "readOnly": True},
    ]

    def mount(name: str, volume: JsonObject) -> None:
        volumes.append({"name": name, **volume})
        mounts.append({"name": name, "mountPath": f"{MOUNTS}/{name}", "readOnly": True})

    source, python = definition.spec.source, definition.spec.runtime.python
    if source is not None and source.git is not None and source.git.secret_ref is not None:
        mount("git", {"secret": {"secretName": source.git.secret_ref.name}})
    if settings.registry.credentials_secret:
        item: JsonObject = {"key": ".dockerconfigjson", "path": "config.json"}
        mount("registry", {"secret": {"secretName": settings.registry.credentials_secret, "items": [item]}})
    if python is not None and python.package_index is not None:
        mount("index", {"secret": {"secretName": python.package_index.name}})
    docker = definition.spec.runtime.docker.build if definition.spec.runtime.docker is not None else None
    if docker is not None and docker.secrets:
        named: list[JsonValue] = [
            {"secret": {"name": secret.name, "items": [{"key": "value", "path": name}]}}
            for name, secret in sorted(docker.secrets.items())
        ]
        mount("secrets", {"projected": {"sources": named}})
    claim = cache_claim(definition)
    if with_cache and claim is not None:
        volumes.append({"name": "cache", "persistentVolumeClaim": {"claimName": claim}})
        mounts.append({"name": "cache", "mountPath": CACHE_DIRECTORY})
    return volumes, mounts


def cache_claim(definition: ServiceDefinition) -> str | None:
    """Return the name of the claim that the definition's builds keep downloads in."""
    build = definition.spec.build
    if build is None or build.cache is None:
        return None
    return build.cache.persistent_volume_claim.claim_name
