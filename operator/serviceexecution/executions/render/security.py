"""Identity and rights of the pod: defaults that pass Pod Security *restricted*, and the user's overrides."""

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.executions.render.fields import dump
from serviceexecution.resources.pod_fields import SecurityContext


def pod_security(override: SecurityContext | None, defaults: PodDefaults) -> JsonObject:
    """Return the pod's security context: one user for both containers, or the collector could not read
    output.
    """
    asked = override or SecurityContext()
    user = defaults.run_as_user if asked.run_as_user is None else asked.run_as_user
    group = user if asked.run_as_group is None else asked.run_as_group
    context: JsonObject = {
        "runAsUser": user,
        "runAsGroup": group,
        "fsGroup": group if asked.fs_group is None else asked.fs_group,
        "fsGroupChangePolicy": "OnRootMismatch",
        "runAsNonRoot": user != 0 if asked.run_as_non_root is None else asked.run_as_non_root,
        "seccompProfile": (
            {"type": "RuntimeDefault"} if asked.seccomp_profile is None else dump(asked.seccomp_profile)
        ),
    }
    if asked.supplemental_groups is not None:
        context["supplementalGroups"] = list(asked.supplemental_groups)
    return context


def container_security(override: SecurityContext | None) -> JsonObject:
    """Return the main container's security context."""
    asked = override or SecurityContext()
    drop: list[JsonValue] = ["ALL"]
    capabilities: JsonObject = {"drop": drop}
    if asked.capabilities is not None:
        capabilities = {**capabilities, **dump(asked.capabilities)}
    context: JsonObject = {
        "allowPrivilegeEscalation": bool(asked.allow_privilege_escalation),
        "capabilities": capabilities,
    }
    if asked.read_only_root_filesystem is not None:
        context["readOnlyRootFilesystem"] = asked.read_only_root_filesystem
    return context
