"""``DataPool.status``: what the operator says of a data pool."""

from typing import Annotated

from pydantic import Field

from serviceexecution.resources.executions.execution_status import Condition
from serviceexecution.resources.executions.status_values import LargeInteger, Timestamp
from serviceexecution.resources.model import ResourceModel


class PoolAccess(ResourceModel):
    """How the files of a volume are reached: by a pod that mounts it, as long as somebody asks."""

    wanted_at: Timestamp | None = None
    """When the gateway last wanted such a pod."""
    job: Annotated[str, Field(max_length=63)] | None = None
    """Name of its Job."""
    job_uid: Annotated[str, Field(max_length=64)] | None = None
    """Uid of its Job."""
    address: Annotated[str, Field(max_length=45)] | None = None
    """Its IP address, when it runs."""


class PoolStatus(ResourceModel):
    """What the operator says of the data pool. Written by the operator only."""

    observed_generation: LargeInteger | None = None
    """Generation of the spec that this was decided from."""
    files: LargeInteger | None = None
    """How many files it holds, of storage type Store."""
    bytes: LargeInteger | None = None
    """Size of its files together."""
    index: Annotated[str, Field(max_length=64)] | None = None
    """SHA-256 of the index that lists its files now, in the results store. None: it holds none yet."""
    claim: Annotated[str, Field(max_length=253)] | None = None
    """Name of the claim that holds its files, of storage type Claim."""
    access: PoolAccess | None = None
    """How its files are reached from outside programs, of storage type Claim."""
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=8,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = ()
    """Ready: the data pool can be used. FilesReachable: whether a pod serves its volume, while it is wanted."""
