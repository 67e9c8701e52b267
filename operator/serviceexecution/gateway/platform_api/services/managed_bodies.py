"""Bodies of calls about managed services: a new definition, or a merge patch of one. Pure.

A definition that is changed here was made here, or its owner has labelled it: what runs in all others is not this API's
to say.
"""

from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_types import (
    JsonObject,
    JsonValue,
    object_at,
    object_of,
    objects_of,
    text_at,
)
from serviceexecution.gateway.accelerators import Accelerators
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.services.bodies import members, text, wrong
from serviceexecution.gateway.platform_api.services.managed_sources import SourceKind, given_source, url_of
from serviceexecution.gateway.platform_api.services.resource_amounts import amounts_patch
from serviceexecution.gateway.platform_api.services.texts import LONGEST_DESCRIPTION, LONGEST_SUMMARY
from serviceexecution.resources.names import (
    ANNOTATION_REQUEST_DIGEST,
    ANNOTATION_SUMMARY,
    API_GROUP,
    API_VERSION,
    DEFINITION_KIND,
    LABEL_MANAGED_SERVICE,
    MANAGED_SERVICE,
)
from serviceexecution.resources.services.source import NO_ARCHIVE

MOST_VARIABLES: Final = 256
LONGEST_VARIABLE: Final = 256
LONGEST_VALUE: Final = 128 * 1024
_DOCKER: Final = "DOCKER"
_PYTHON: Final = "PYTHON_TEMPLATE"
_MOST_RESOURCES: Final = 3
_NO_ACCELERATORS: Final = Accelerators()


def new_definition(
    body: JsonObject, name: str, digest: str, accelerators: Accelerators = _NO_ACCELERATORS
) -> JsonObject:
    """Return the object of a new service; raises Problem 400. ``digest`` is that of the request."""
    source = given_source(body.get("source"))
    configured = _object(body, "runtimeConfiguration")
    spec: JsonObject = {"runtime": _new_runtime(configured, source.kind, source.image)}
    if source.kind is not SourceKind.REGISTRY:
        spec["source"] = source.spec
    description = text(body, "description", LONGEST_DESCRIPTION)
    if description:
        spec["description"] = description
    env = _environment(configured, ())
    if env:
        spec["env"] = env
    resources = _resources(body.get("resourceConfigurations"), accelerators)
    if resources:
        spec["resources"] = resources
    annotations: JsonObject = {ANNOTATION_REQUEST_DIGEST: digest}
    summary = text(body, "summary", LONGEST_SUMMARY)
    if summary:
        annotations[ANNOTATION_SUMMARY] = summary
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": DEFINITION_KIND,
        "metadata": {
            "name": name,
            "labels": {LABEL_MANAGED_SERVICE: MANAGED_SERVICE},
            "annotations": annotations,
        },
        "spec": spec,
    }


def runtime_patch(definition: JsonObject, body: JsonValue) -> JsonObject:
    """Return the patch of ``{runtime, environment}``; raises Problem 400."""
    found = members(body)
    spec: JsonObject = {}
    runtime = _changed_runtime(object_at(definition, "spec", "runtime"), _runtime(found))
    if runtime:
        spec["runtime"] = runtime
    env = _environment(found, objects_of(object_at(definition, "spec").get("env")))
    if env is not None:
        spec["env"] = env
    return {"spec": spec} if spec else {}


def source_patch(definition: JsonObject, body: JsonValue) -> JsonObject:
    """Return the patch to another kind of source, or to another place of the same; raises Problem 400."""
    source, spec = given_source(body), object_at(definition, "spec")
    runtime, before = object_of(spec.get("runtime")), object_of(spec.get("source"))
    if source.kind is SourceKind.REGISTRY:
        if text_at(runtime, "docker", "image") == source.image:
            return {}
        changed: JsonObject = {"python": None, "docker": {"image": source.image, "build": None}}
        return {"spec": {"runtime": changed, "source": None}}
    if source.kind is SourceKind.FILE and before.get("archive") is not None:
        return {}
    if source.kind is SourceKind.REPOSITORY and url_of(before) == url_of(source.spec):
        return {}
    # Credentials of one repository are not for another
    git = {"ref": None, "secretRef": None, **object_of(source.spec.get("git"))}
    patch: JsonObject = {
        "source": {
            "archive": source.spec.get("archive"),
            "git": git if source.kind is SourceKind.REPOSITORY else None,
            "subPath": None,
        }
    }
    if text_at(runtime, "docker", "image"):
        patch["runtime"] = {"docker": {"image": None, "build": {}}}
    return {"spec": patch}


def resource_patch(
    definition: JsonObject, body: JsonValue, accelerators: Accelerators = _NO_ACCELERATORS
) -> JsonObject:
    """Return the patch of one resource's amount; raises Problem 400."""
    amounts = amounts_patch(members(body), "$", object_at(definition, "spec", "resources"), accelerators)
    return {"spec": {"resources": {"requests": amounts, "limits": amounts}}} if amounts else {}


def archive_patch(definition: JsonObject, digest: str) -> JsonObject:
    """Return the patch that names an archive by its SHA-256, {} when it is named already."""
    named = f"sha256:{digest}"
    if text_at(definition, "spec", "source", "archive", "digest") == named:
        return {}
    return {"spec": {"source": {"archive": {"digest": named}}}}


def check_takes_archive(definition: JsonObject) -> None:
    """Raise Problem 400 unless the service's source is a file."""
    if "archive" not in object_at(definition, "spec", "source"):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "NoFileSource",
            'The source of this service is no file: PUT …/source with {"type": "file"} first.',
        )


def build_patch(definition: JsonObject, token: str) -> JsonObject:
    """Return the patch that builds the service again, {} when a build is on its way.

    Raises Problem 404: the client has no error for a 400 of this call.
    """
    spec, status = object_at(definition, "spec"), object_at(definition, "status")
    if "python" not in object_at(spec, "runtime") and "build" not in object_at(spec, "runtime", "docker"):
        raise Problem(
            HTTPStatus.NOT_FOUND, "NothingToBuild", "This service runs an image that is not built here."
        )
    digest = text_at(spec, "source", "archive", "digest")
    if digest == NO_ARCHIVE:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "SourceMissing",
            "The source was not uploaded yet: PUT …/source/file first.",
        )
    revisions = objects_of(status.get("revisions"))
    observed = status.get("observedGeneration") == object_at(definition, "metadata").get("generation")
    goes_on = any(one.get("phase") in {"Pending", "Building"} for one in revisions[:1])
    is_new = bool(digest) and all(one.get("sourceDigest") != digest for one in revisions)
    if is_new or (observed and goes_on):
        return {}
    return {"spec": {"build": {"token": token}}}


def check_managed(definition: JsonObject) -> None:
    """Raise Problem 403 unless this API may say what the service runs."""
    if text_at(definition, "metadata", "labels", LABEL_MANAGED_SERVICE) != MANAGED_SERVICE:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "NotManaged",
            "This service was not made by this API: change it with kubectl or sx deploy, or give it the label "
            f"{LABEL_MANAGED_SERVICE}={MANAGED_SERVICE}.",
        )


def _new_runtime(configured: JsonObject, kind: SourceKind, image: str) -> JsonObject:
    runtime = _runtime(configured) if configured else (_DOCKER if kind is SourceKind.REGISTRY else _PYTHON)
    if kind is SourceKind.REGISTRY:
        if runtime == _PYTHON:
            raise _python_needs_source()
        return {"docker": {"image": image}}
    return {"docker": {"build": {}}} if runtime == _DOCKER else {"python": {}}


def _changed_runtime(before: JsonObject, wanted: str) -> JsonObject:
    if wanted == _DOCKER:
        return {} if "docker" in before else {"python": None, "docker": {"build": {}}}
    if "python" in before:
        return {}
    if text_at(before, "docker", "image"):
        raise _python_needs_source()
    return {"docker": None, "python": {}}


def _python_needs_source() -> Problem:
    return wrong(
        "$.runtime", "An image of a registry has the runtime DOCKER; PYTHON_TEMPLATE is built from a source."
    )


def _runtime(configured: JsonObject) -> str:
    if configured.get("applyProviderTokens"):
        raise wrong(
            "$.applyProviderTokens",
            "There are no provider tokens here: give secrets to the service or to its runs.",
        )
    runtime = configured.get("runtime")
    if not isinstance(runtime, str) or runtime not in {_DOCKER, _PYTHON}:
        raise wrong("$.runtime", f"runtime must be {_DOCKER} or {_PYTHON}.")
    return runtime


def _environment(configured: JsonObject, before: list[JsonObject] | tuple[()]) -> list[JsonValue] | None:
    """Return all variables as they are to be, None to leave them. Those with values from elsewhere stay."""
    given = configured.get("environment")
    if given is None:
        return None
    if not isinstance(given, dict) or len(given) > MOST_VARIABLES:
        raise wrong("$.environment", f"environment must be an object with at most {MOST_VARIABLES} texts.")
    kept: list[JsonValue] = [one for one in before if "valueFrom" in one and one.get("name") not in given]
    for name in given:
        if not 0 < len(name) <= LONGEST_VARIABLE or not name.isprintable() or "=" in name:
            raise wrong(
                "$.environment", f"A variable's name has 1 to {LONGEST_VARIABLE} characters, and no '='."
            )
        kept.append({"name": name, "value": text(given, name, LONGEST_VALUE, path="$.environment") or ""})
    if len(kept) > MOST_VARIABLES:
        raise wrong("$.environment", f"A service has at most {MOST_VARIABLES} variables.")
    return kept


def _resources(given: JsonValue, accelerators: Accelerators) -> JsonObject:
    if given is None:
        return {}
    if not isinstance(given, list) or len(given) > _MOST_RESOURCES:
        raise wrong(
            "$.resourceConfigurations", "resourceConfigurations must be a list of cpu, memory and gpu."
        )
    amounts: JsonObject = {}
    for number, one in enumerate(given):
        path = f"$.resourceConfigurations[{number}]"
        amounts |= amounts_patch(object_of(one), path, {}, accelerators)
    return {"requests": amounts, "limits": amounts} if amounts else {}


def _object(body: JsonObject, name: str) -> JsonObject:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise wrong(f"$.{name}", f"{name} must be an object.")
    return object_of(value)
