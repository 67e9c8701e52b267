"""Renders what brings data pools of the results store into the pod: an init container, and a volume for each."""

import json
from hashlib import sha256
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, object_of
from serviceexecution.contract.paths import DATAPOOL_DIRECTORY, data_pool_directory
from serviceexecution.contract.quantities import QuantityError, parse_quantity
from serviceexecution.executions.planning.plan import Plan
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.resources.names import COLLECTOR_TOKEN_VOLUME, STAGE_IN_CONTAINER

TOKEN_DIRECTORY: Final = "/var/run/secrets/serviceexecution.dev"  # noqa: S105
STAGE_IN_ARGUMENT: Final = "stage-in"
VOLUME_PREFIX: Final = "datapool-"
_MARGIN: Final = 16 * 1024**2
_PER_FILE: Final = 8 * 1024
"""What a file takes on a disk beside its bytes."""
_STORAGE: Final = "ephemeral-storage"
_FINAL_EXITS: Final = (0, 2, 4, 5, 143)
"""With which the container is not started again: it is done, cannot be, or was told to end."""


def size_limit(pool: UsedPool) -> int:
    """Return how many bytes a pool takes on the node's disk when it is brought into the pod, and a margin."""
    return pool.bytes + pool.files * _PER_FILE + _MARGIN


def pool_volumes(plan: Plan) -> list[JsonValue]:
    """Return the volumes that the pools are brought into.

    Into one that the program may change it may write as much as it may leave as output.
    """
    return [
        {
            "name": _volume(pool),
            "emptyDir": {"sizeLimit": str(size_limit(pool) + (plan.output_limit if pool.writable else 0))},
        }
        for pool in plan.staged
    ]


def filling_mounts(plan: Plan) -> list[JsonValue]:
    """Return the mounts of these volumes for the init container, which fills them."""
    return [_mount(pool, writable=True) for pool in plan.staged]


def main_mounts(plan: Plan) -> list[JsonValue]:
    """Return the mounts for main."""
    return [_mount(pool, writable=bool(pool.writable)) for pool in plan.staged]


def collector_mounts(plan: Plan) -> list[JsonValue]:
    """Return the mounts for the collector, which looks for what main has changed."""
    return [_mount(pool, writable=False) for pool in plan.staged if pool.writable]


def writable_variable(plan: Plan) -> dict[str, str]:
    """Return the variable that names the pools which main may change; none without any."""
    names = [pool.property for pool in plan.staged if pool.writable]
    return {"SX_WRITABLE_POOLS": json.dumps(names, separators=(",", ":"))} if names else {}


def stage_in_containers(spec: ExecutionSpec, plan: Plan, defaults: PodDefaults) -> list[JsonValue]:
    """Return the init container that fills the volumes; none without pools."""
    if not plan.staged:
        return []
    environment = {
        "SX_GATEWAY_URL": defaults.gateway_url,
        "SX_TOKEN_FILE": f"{TOKEN_DIRECTORY}/token",
        "SX_DATA_POOLS": json.dumps([pool.property for pool in plan.staged], separators=(",", ":")),
        "SX_DATA_POOL_DIRECTORY": DATAPOOL_DIRECTORY,
        **writable_variable(plan),
    }
    container: JsonObject = {
        "name": STAGE_IN_CONTAINER,
        "image": defaults.collector_image,
        "imagePullPolicy": defaults.collector_image_pull_policy,
        "args": [STAGE_IN_ARGUMENT],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "resources": _resources(spec, plan, defaults),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            *filling_mounts(plan),
            {"name": COLLECTOR_TOKEN_VOLUME, "mountPath": TOKEN_DIRECTORY, "readOnly": True},
        ],
    }
    if defaults.container_restart_rules:
        # Elsewhere the program's own supervising process has to do.
        exits: JsonObject = {"operator": "NotIn", "values": list(_FINAL_EXITS)}
        container["restartPolicy"] = "Never"
        container["restartPolicyRules"] = [{"action": "Restart", "exitCodes": exits}]
    return [container]


def _resources(spec: ExecutionSpec, plan: Plan, defaults: PodDefaults) -> JsonObject:
    """Return the container's resources: those of the collector, and room on the node's disk for the pools.

    A pod has the larger of what its init containers and its other containers ask for. What main asks for comes on top,
    and a limit only where main has one: it would otherwise be one of the whole pod.
    """
    given = defaults.collector_requirements
    room = sum(size_limit(pool) for pool in plan.staged)
    needed = sum(pool.bytes + pool.files * _PER_FILE for pool in plan.staged) + _MARGIN
    main = spec.resources
    asked = _storage(main.requests if main is not None else None)
    limit = _storage(main.limits if main is not None else None)
    requests: JsonObject = {**object_of(given.get("requests")), _STORAGE: str(needed + (asked or limit or 0))}
    found: JsonObject = {**given, "requests": requests}
    if limit is not None:
        found["limits"] = {**object_of(given.get("limits")), _STORAGE: str(room + limit)}
    return found


def _storage(amounts: object) -> int | None:
    text = amounts.get(_STORAGE) if isinstance(amounts, dict) else None
    if not isinstance(text, str | int):
        return None
    try:
        return parse_quantity(text, field=_STORAGE)
    except QuantityError:
        return None


def _mount(pool: UsedPool, *, writable: bool) -> JsonObject:
    mount: JsonObject = {"name": _volume(pool), "mountPath": data_pool_directory(pool.property)}
    return mount if writable else {**mount, "readOnly": True}


def _volume(pool: UsedPool) -> str:
    """Return the volume's name: a property may hold what no name of a volume may."""
    return f"{VOLUME_PREFIX}{sha256(pool.property.encode()).hexdigest()[:16]}"
