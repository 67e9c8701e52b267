"""Renders the collector: a second regular container that keeps the pod alive until its output is kept."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.contract.paths import OUTPUT_DIRECTORY
from serviceexecution.executions.planning.plan import Plan
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.executions.render.data_pools import TOKEN_DIRECTORY, collector_mounts, writable_variable
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.names import (
    COLLECTOR_CONTAINER,
    COLLECTOR_TOKEN_AUDIENCE,
    COLLECTOR_TOKEN_VOLUME,
)

_TOKEN_SECONDS: Final = 3600


def collector_container(spec: ExecutionSpec, plan: Plan, defaults: PodDefaults) -> JsonObject:
    """Return the collector's container."""
    environment = {
        "SX_GATEWAY_URL": defaults.gateway_url,
        "SX_TOKEN_FILE": f"{TOKEN_DIRECTORY}/token",
        "SX_OUTPUT_DIRECTORY": OUTPUT_DIRECTORY,
        "SX_OUTPUT_LIMIT": str(plan.output_limit),
        "SX_COLLECT_TIMEOUT": str(int(plan.times.collect_timeout)),
        "SX_CANCEL_GRACE": f"{plan.times.cancel_grace:g}",
        "SX_SHARED_PROCESSES": "false" if spec.share_process_namespace is False else "true",
        **writable_variable(plan),
    }
    output: JsonObject = {"name": "output", "mountPath": OUTPUT_DIRECTORY, "readOnly": True}
    if plan.output_sub_path is not None:
        output["subPath"] = plan.output_sub_path
    container: JsonObject = {
        "name": COLLECTOR_CONTAINER,
        "image": defaults.collector_image,
        "imagePullPolicy": defaults.collector_image_pull_policy,
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "resources": defaults.collector_requirements,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            output,
            *collector_mounts(plan),
            {"name": COLLECTOR_TOKEN_VOLUME, "mountPath": TOKEN_DIRECTORY, "readOnly": True},
        ],
    }
    if defaults.container_restart_rules:
        container["restartPolicy"] = (
            "OnFailure"  # Elsewhere the collector's own supervising process has to do
        )
    return container


def collector_volume() -> JsonObject:
    """Return the volume of the collector's only credential: a token that only the gateway accepts."""
    return {
        "name": COLLECTOR_TOKEN_VOLUME,
        "projected": {
            "sources": [
                {
                    "serviceAccountToken": {
                        "audience": COLLECTOR_TOKEN_AUDIENCE,
                        "expirationSeconds": _TOKEN_SECONDS,
                        "path": "token",
                    }
                }
            ]
        },
    }
