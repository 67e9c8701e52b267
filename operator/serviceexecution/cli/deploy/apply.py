"""Writes the ServiceDefinition: what a deployment says is its own, what others have set stays."""

import re
from typing import Final

from serviceexecution.cli.cluster.api import ApiError, ClusterApi, FieldConflict
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.project.project_file import PROJECT_FILE
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS

ROLLBACK_MANAGER: Final = "sx-rollback"
CANCEL_MANAGER: Final = "sx-cancel"
REBUILD_MANAGER: Final = "sx-rebuild"
_UNTYPED: Final = re.compile(r"failed to create typed patch object \(.*?\): \.?(.*)", re.DOTALL)
"""What the API server says of a field that it does not know, or that holds another kind of value."""
_OWN_FIELDS: Final = (".spec.source", ".spec.runtime", ".spec.build.token")
"""What a deployment is about: it takes these fields over from whoever has set them."""


def apply_definition(
    api: ClusterApi,
    namespace: str,
    name: str,
    manifest: JsonObject,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> JsonObject:
    """Create or change the ServiceDefinition and return it as stored; raises CommandError, ApiError."""
    try:
        return api.apply(SERVICE_DEFINITIONS, namespace, name, manifest, force=force, dry_run=dry_run)
    except ApiError as error:
        foreign = foreign_conflicts(error.conflicts)
        if foreign:
            raise CommandError(_conflict_message(foreign)) from None
        if not error.conflicts:
            raise _explained(error, namespace) from None
    return api.apply(SERVICE_DEFINITIONS, namespace, name, manifest, force=True, dry_run=dry_run)


def set_revision(api: ClusterApi, namespace: str, name: str, revision: str | None) -> JsonObject | None:
    """Pin the service to a revision, or with None to none; raises ApiError."""
    patch: JsonObject = {"spec": {"revision": revision}}
    return api.patch(SERVICE_DEFINITIONS, namespace, name, patch, manager=ROLLBACK_MANAGER)


def set_build_token(api: ClusterApi, namespace: str, name: str, token: str) -> JsonObject | None:
    """Ask for a build although nothing has changed; raises ApiError."""
    patch: JsonObject = {"spec": {"build": {"token": token}}}
    return api.patch(SERVICE_DEFINITIONS, namespace, name, patch, manager=REBUILD_MANAGER)


def cancel_build(api: ClusterApi, namespace: str, name: str, revision: str) -> JsonObject | None:
    """Ask for the end of a revision's build; raises ApiError."""
    patch: JsonObject = {"spec": {"build": {"cancel": revision}}}
    return api.patch(SERVICE_DEFINITIONS, namespace, name, patch, manager=CANCEL_MANAGER)


def foreign_conflicts(conflicts: tuple[FieldConflict, ...]) -> list[FieldConflict]:
    """Return the conflicts about fields that a deployment does not take over by itself. Pure."""
    return [one for one in conflicts if not one.field.startswith(_OWN_FIELDS)]


def _conflict_message(conflicts: list[FieldConflict]) -> str:
    first = conflicts[0]
    more = f" (and {len(conflicts) - 1} more)" if len(conflicts) > 1 else ""
    return (
        f"{first.field.lstrip('.')}{more} was set to another value by somebody else ({first.manager}); "
        f"remove it from {PROJECT_FILE}, or overwrite it with --force."
    )


def _explained(error: ApiError, namespace: str) -> Exception:
    if error.status == 404:
        return CommandError(
            f"There is no namespace {namespace}; create it with: kubectl create namespace {namespace}"
        )
    untyped = _UNTYPED.fullmatch(str(error))
    if untyped is not None:
        return CommandError(f"{PROJECT_FILE}: {untyped[1]}; see the fields with: kubectl explain sxd.spec")
    if error.status in {400, 422}:
        return CommandError(f"The cluster refuses the service, see {PROJECT_FILE}: {error}")
    return error
