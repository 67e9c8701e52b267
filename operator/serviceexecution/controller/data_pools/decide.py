"""What is said of a data pool, and which claim it needs. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from serviceexecution.contract.json_types import JsonObject, metadata_of, objects_of
from serviceexecution.resources.executions.execution_status import Condition
from serviceexecution.resources.names import (
    API_GROUP,
    API_VERSION,
    CONDITION_FILES_REACHABLE,
    CONDITION_READY,
    LABEL_MANAGED_BY,
    MANAGED_BY,
    POOL_KIND,
)
from serviceexecution.resources.object_names import MAX_NAME
from serviceexecution.resources.pools.pool import Pool, PoolClaim
from serviceexecution.resources.pools.pool_status import PoolAccess, PoolStatus

CLAIM_PREFIX: Final = "datapool-"
_IN_THE_WAY: Final = "ClaimInTheWay"
LOOK_AGAIN_SECONDS: Final = 10.0
"""A claim that is missing or in the way is looked for so often."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a condition says."""

    reason: str
    message: str = ""
    ready: bool = True


def claim_name(pool: Pool) -> str | None:
    """Return the name of the claim that the data pool is on; None when its files are in the store."""
    if not pool.is_on_claim or pool.spec.storage.claim is None:
        return None
    return pool.spec.storage.claim.existing or f"{CLAIM_PREFIX}{pool.metadata.name}"[:MAX_NAME]


def owner_reference(pool: Pool) -> JsonObject:
    """Return the owner reference of what is made for a data pool and goes with it."""
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": POOL_KIND,
        "name": pool.metadata.name,
        "uid": pool.metadata.uid,
        "controller": True,
    }


def new_claim(pool: Pool, claim: PoolClaim) -> JsonObject:
    """Return the claim that is made for a data pool, which owns it."""
    spec: JsonObject = {
        "accessModes": [claim.access_mode or "ReadWriteOnce"],
        "resources": {"requests": {"storage": str(claim.size)}},
    }
    if claim.storage_class_name is not None:
        spec["storageClassName"] = claim.storage_class_name
    metadata: JsonObject = {
        "name": claim_name(pool),
        "labels": {LABEL_MANAGED_BY: MANAGED_BY},
        "ownerReferences": [owner_reference(pool)],
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def said_of_store() -> Said:
    """Return what is said of a data pool in the store."""
    return Said("Ready", "Its files are in the results store.")


def said_of_claim(pool: Pool, claim: JsonObject | None, refusal: str = "") -> Said:
    """Return what is said of a data pool on a claim; ``refusal`` is why the claim could not be made."""
    name = claim_name(pool)
    own = pool.spec.storage.claim is not None and pool.spec.storage.claim.existing is None
    if claim is None:
        if own:
            return Said("ClaimRefused", f"The claim {name} cannot be made: {refusal}", ready=False)
        return Said("ClaimNotFound", f"There is no claim {name} in the namespace: create it.", ready=False)
    if own and not _is_owned(pool, claim):
        return Said(
            _IN_THE_WAY,
            f"A claim {name} that belongs to something else is in the way: delete it, or name it in "
            "storage.claim.existing of another data pool.",
            ready=False,
        )
    return Said("Ready", f"Its files are on the claim {name}.")


def new_status(
    pool: Pool, said: Said, now: datetime, *, access: PoolAccess | None = None, reach: Said | None = None
) -> PoolStatus:
    """Return the status that says so; which files there are in the store is the gateway's to say.

    ``access`` and ``reach`` are about the pod that serves a volume; ``reach`` None says nothing of it.
    """
    conditions = [_condition(pool, CONDITION_READY, said, now)]
    if reach is not None:
        conditions.append(_condition(pool, CONDITION_FILES_REACHABLE, reach, now))
    ours = {CONDITION_READY, CONDITION_FILES_REACHABLE}
    others = [one for one in pool.status.conditions if one.type not in ours]
    in_store = not pool.is_on_claim
    return pool.status.model_copy(
        update={
            "observed_generation": pool.metadata.generation,
            # What is somebody else's is not mounted, and written, in the place of the data pool
            "claim": None if said.reason == _IN_THE_WAY else claim_name(pool),
            "files": (pool.status.files or 0) if in_store else None,
            "bytes": (pool.status.bytes or 0) if in_store else None,
            "access": access,
            "conditions": (*conditions, *others),
        }
    )


def _condition(pool: Pool, kind: str, said: Said, now: datetime) -> Condition:
    old = next((one for one in pool.status.conditions if one.type == kind), None)
    status: Literal["True", "False"] = "True" if said.ready else "False"
    since = now if old is None or old.status != status else old.last_transition_time
    return Condition(
        type=kind,
        status=status,
        reason=said.reason,
        message=said.message,
        last_transition_time=since,
        observed_generation=pool.metadata.generation,
    )


def _is_owned(pool: Pool, claim: JsonObject) -> bool:
    owners = objects_of(metadata_of(claim).get("ownerReferences"))
    return any(owner.get("uid") == pool.metadata.uid for owner in owners)
