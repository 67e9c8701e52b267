"""The Job whose pod serves the files of a data pool's volume. Pure."""

import re
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.contract.volume_pods import VOLUME_PORT
from serviceexecution.controller.data_pools.decide import owner_reference
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.resources.names import LABEL_MANAGED_BY, LABEL_POOL_UID, MAIN_CONTAINER, MANAGED_BY
from serviceexecution.resources.pods.pod_protection import NO_SIDECARS
from serviceexecution.resources.pools.pool import Pool

IDLE_SECONDS: Final = 120
"""After so long without a call the pod ends by itself."""
_DIRECTORY: Final = "/var/runtime/volume"
_DEADLINE_SECONDS: Final = 24 * 3600
_TTL_SECONDS: Final = 300
_LONGEST_SLUG: Final = 30


def volume_job_name(pool: Pool, nonce: str) -> str:
    """Return the name of a Job, which nobody knows before: so nothing of a tenant's is in its way."""
    slug = re.sub(r"[^a-z0-9]+", "-", pool.metadata.name[:_LONGEST_SLUG].lower()).strip("-")
    return f"datapool-{slug}-{nonce}"


def volume_job(pool: Pool, claim: str, name: str, digest: str, defaults: PodDefaults) -> JsonObject:
    """Return the Job; ``digest`` is the SHA-256 of its secret, in hexadecimal digits."""
    labels: JsonObject = {LABEL_MANAGED_BY: MANAGED_BY, LABEL_POOL_UID: pool.metadata.uid}
    storage = pool.spec.storage.claim
    read_only = storage is not None and storage.access_mode == "ReadOnlyMany"
    environment = {
        "SX_VOLUME_KEY_SHA256": digest,
        "SX_VOLUME_PORT": str(VOLUME_PORT),
        "SX_VOLUME_IDLE_SECONDS": str(IDLE_SECONDS),
        "SX_VOLUME_DIRECTORY": _DIRECTORY,
        "SX_VOLUME_POOL_UID": pool.metadata.uid,
    }
    user = defaults.run_as_user
    container: JsonObject = {
        "name": MAIN_CONTAINER,
        "image": defaults.collector_image,
        "imagePullPolicy": defaults.collector_image_pull_policy,
        "args": ["serve-volume"],
        "env": [{"name": variable, "value": value} for variable, value in environment.items()],
        "ports": [{"name": "volume", "containerPort": VOLUME_PORT}],
        "resources": defaults.collector_requirements,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "volume", "mountPath": _DIRECTORY, "readOnly": read_only}],
    }
    pod: JsonObject = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsUser": user,
            "runAsGroup": user,
            "runAsNonRoot": user != 0,
            "fsGroup": user,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "volume", "persistentVolumeClaim": {"claimName": claim, "readOnly": read_only}}],
    }
    metadata: JsonObject = {
        "name": name,
        "namespace": pool.metadata.namespace,
        "labels": labels,
        "ownerReferences": [owner_reference(pool)],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            # Should the controller be away: a pod that never starts, and one that has ended, go all the same
            "activeDeadlineSeconds": _DEADLINE_SECONDS,
            "ttlSecondsAfterFinished": _TTL_SECONDS,
            "template": {"metadata": {"labels": {**labels, **NO_SIDECARS}}, "spec": pod},
        },
    }
