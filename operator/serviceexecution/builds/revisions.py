"""Which revision of a service is wanted, which one serves, and which ones are still listed. Pure.

A revision is one build. What it depends on is its key: what was built is not built again, and the newest revision of
the wanted key serves. Until there is one, and when its build fails, what served before goes on serving.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serviceexecution.builds.names import revision_number
from serviceexecution.builds.reasons import BuildReason, sentence
from serviceexecution.builds.settings import Builder, BuildsSettings
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.model import ResourceModel
from serviceexecution.resources.services.definition import ServiceDefinition, ServiceDefinitionSpec
from serviceexecution.resources.services.definition_status import (
    KEPT_REVISIONS,
    Revision,
    RevisionPhase,
    ServiceDefinitionStatus,
)

_FORM: Final = 1
"""Counted up when the same key would name something else: everything is then built again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the spec asks for: the key of the build, and the key of what an attempt at it may fail by."""

    key: str
    attempt_key: str
    source_digest: str | None = None
    """Digest of the archive; what a Git reference stands for is known when it was built."""


def repository_of(definition: ServiceDefinition, address: str) -> str:
    """Return the name of the service's images at a registry's address, without a tag."""
    return f"{address}/{definition.metadata.namespace}/{definition.metadata.name}"


def wanted_of(
    definition: ServiceDefinition, settings: BuildsSettings, builder: Builder | None
) -> Wanted | None:
    """Return what is to be built; None when nothing is. ``builder`` is what would build it here."""
    spec = definition.spec
    if not definition.is_built or spec.source is None:
        return None
    build = spec.build
    content: JsonObject = {
        "form": _FORM,
        "source": _source(spec),
        "subPath": spec.source.sub_path or "",
        "runtime": _runtime(spec, settings),
        "repository": repository_of(definition, settings.registry.address),
        "token": build.token if build is not None else None,
    }
    key = _digest(content)
    git = spec.source.git
    attempt: JsonObject = {
        "key": key,
        "login": git.secret_ref.name if git is not None and git.secret_ref is not None else None,
        "timeout": build.timeout if build is not None else None,
        "resources": _dump(build.resources) if build is not None and build.resources is not None else None,
        "cache": build.cache.persistent_volume_claim.claim_name
        if build is not None and build.cache
        else None,
        "builder": builder.value if builder is not None else None,
        "installation": [
            settings.image,
            settings.seccomp_profile,
            settings.timeout,
            settings.limits.model_dump(mode="json"),
            settings.resources.model_dump(mode="json"),
        ],
    }
    archive = spec.source.archive
    return Wanted(key, _digest(attempt), archive.digest if archive is not None else None)


def _source(spec: ServiceDefinitionSpec) -> JsonObject:
    source = spec.source
    if source is not None and source.archive is not None:
        return {"archive": source.archive.digest}
    if source is not None and source.git is not None:
        return {"git": {"url": source.git.url, "ref": source.git.ref}}
    return {}


def _runtime(spec: ServiceDefinitionSpec, settings: BuildsSettings) -> JsonObject:
    python = spec.runtime.python
    if python is not None:
        index = python.package_index
        return {
            "python": settings.python_base(python.version),
            "entryPoint": python.entry_point,
            "packageIndex": None if index is None else index.name,
            **({} if python.index_strategy is None else {"indexStrategy": python.index_strategy}),
        }
    build = spec.runtime.docker.build if spec.runtime.docker is not None else None
    return {"docker": None if build is None else _dump(build)}


def _dump(model: ResourceModel) -> JsonObject:
    """Return what is set: a field that a later version adds must not change the key of what was built before."""
    found: JsonObject = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return found


def _digest(value: JsonObject) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def active_of(status: ServiceDefinitionStatus) -> Revision | None:
    """Return the revision that waits or is being built; there is at most one."""
    return next((one for one in status.revisions if not one.phase.terminal), None)


def target_of(status: ServiceDefinitionStatus, wanted: Wanted | None) -> Revision | None:
    """Return the revision that answers what is wanted: one that was built, else the newest try at it."""
    if wanted is None:
        return None
    ours = [one for one in _newest_first(status.revisions) if one.key == wanted.key]
    built = (one for one in ours if one.phase is RevisionPhase.SUCCEEDED)
    tried = (one for one in ours if one.phase is not RevisionPhase.SUPERSEDED)
    return next(built, None) or next(tried, None)


def advanced(
    status: ServiceDefinitionStatus, wanted: Wanted | None, now: datetime
) -> ServiceDefinitionStatus:
    """Return the status with the revision that is wanted: what is built in vain is superseded, what has not been
    built is listed as Pending. Doing it again changes nothing.
    """
    active = active_of(status)
    if active is not None and (wanted is None or active.key != wanted.key):
        status = with_revision(status, superseded(active, now))
    if wanted is None or not _is_missing(status, wanted):
        return status
    number = status.last_revision + 1
    revision = Revision(
        name=f"r{number}",
        key=wanted.key,
        attempt_key=wanted.attempt_key,
        phase=RevisionPhase.PENDING,
        reason=BuildReason.QUEUED.value,
        message=sentence(BuildReason.QUEUED),
        since=now,
        source_digest=wanted.source_digest,
        start_time=now,
    )
    return status.model_copy(
        update={"last_revision": number, "revisions": (revision, *_newest_first(status.revisions))}
    )


def _is_missing(status: ServiceDefinitionStatus, wanted: Wanted) -> bool:
    if any(one.phase is RevisionPhase.SUCCEEDED and one.key == wanted.key for one in status.revisions):
        return False
    newest = next(iter(_newest_first(status.revisions)), None)
    if newest is None or newest.key != wanted.key or newest.phase is RevisionPhase.SUPERSEDED:
        return True
    return newest.phase.terminal and newest.attempt_key != wanted.attempt_key


def superseded(revision: Revision, now: datetime) -> Revision:
    """Return the revision as one whose build is not wanted any more."""
    reason = BuildReason.SUPERSEDED
    return revision.model_copy(
        update={
            "phase": RevisionPhase.SUPERSEDED,
            "reason": reason.value,
            "message": sentence(reason),
            "since": now,
            "completion_time": now,
            "next_attempt_time": None,
        }
    )


def with_revision(status: ServiceDefinitionStatus, revision: Revision) -> ServiceDefinitionStatus:
    """Return the status with that revision in place of the one of its name."""
    revisions = tuple(revision if one.name == revision.name else one for one in status.revisions)
    return status.model_copy(update={"revisions": revisions})


def serving_of(status: ServiceDefinitionStatus, wanted: Wanted | None, pinned: str | None) -> Revision | None:
    """Return the revision that executions run. A pinned one that was not built leaves what served before."""
    built = [one for one in _newest_first(status.revisions) if one.phase is RevisionPhase.SUCCEEDED]
    before = next((one for one in built if one.name == status.revision), None)
    if pinned is not None:
        return next((one for one in built if one.name == pinned), before)
    target = target_of(status, wanted)
    if target is not None and target.phase is RevisionPhase.SUCCEEDED:
        return target
    return before or next(iter(built), None)


def pin_problem(status: ServiceDefinitionStatus, pinned: str | None) -> str | None:
    """Return in a sentence why ``spec.revision`` cannot serve; None when it can, or is not set."""
    if pinned is None:
        return None
    found = status.find(pinned)
    if found is None:
        built = [one.name for one in status.revisions if one.phase is RevisionPhase.SUCCEEDED]
        known = f"those that were built are {', '.join(built)}" if built else "none has been built yet"
        return f"spec.revision names {pinned}, which does not exist: {known}."
    if found.phase is RevisionPhase.SUCCEEDED:
        return None
    if not found.phase.terminal:
        return f"spec.revision names {pinned}, which is not built yet."
    return f"spec.revision names {pinned}, which was not built ({found.reason}): {found.message}"


def pruned(status: ServiceDefinitionStatus, kept: Collection[str]) -> ServiceDefinitionStatus:
    """Return the status with at most KEPT_REVISIONS revisions and those named in ``kept``, newest first.

    Of the others the oldest go first, superseded ones before all.
    """
    revisions = _newest_first(status.revisions)
    needless = [one for one in reversed(revisions) if one.name not in kept and one.phase.terminal]
    needless.sort(key=lambda one: one.phase is not RevisionPhase.SUPERSEDED)
    going = {one.name for one in needless[: max(0, len(revisions) - KEPT_REVISIONS)]}
    left = tuple(one for one in revisions if one.name not in going)
    return status.model_copy(update={"revisions": left})


def _newest_first(revisions: Collection[Revision]) -> list[Revision]:
    return sorted(revisions, key=lambda one: revision_number(one.name), reverse=True)
