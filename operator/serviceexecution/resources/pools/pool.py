"""The DataPool custom resource."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from serviceexecution.resources.executions.execution import ObjectMeta
from serviceexecution.resources.model import ResourceModel
from serviceexecution.resources.object_names import ObjectName
from serviceexecution.resources.pod_fields import ResourceQuantity
from serviceexecution.resources.pools.pool_status import PoolStatus

MOST_TAGS: Final = 64
LONGEST_TAG: Final = 128
LONGEST_SHORT_DESCRIPTION: Final = 60
LONGEST_DESCRIPTION: Final = 8192
LONGEST_DISPLAY_NAME: Final = 255


class StorageType(StrEnum):
    """Where the files of a data pool are."""

    STORE = "Store"
    CLAIM = "Claim"


class PoolClaim(ResourceModel):
    """The claim of a data pool: one that exists, or how one is made."""

    existing: ObjectName | None = None
    """Name of a claim in the data pool's namespace. It stays when the data pool goes."""
    size: ResourceQuantity | None = None
    """Size of the claim that is made for the data pool. It goes with the data pool."""
    storage_class_name: ObjectName | None = None
    """Its storage class. Defaults to the cluster's."""
    access_mode: Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"] | None = None
    """Its access mode. Defaults to ReadWriteOnce."""


class PoolStorage(ResourceModel):
    """Where the files are."""

    type: StorageType = StorageType.STORE
    """Store: in the results store, the default. Claim: on a volume, which is mounted without a copy."""
    claim: PoolClaim | None = None
    """The claim, of type Claim."""


class PoolSpec(ResourceModel):
    """What a data pool is. Where its files are cannot be changed; the rest is text for people."""

    display_name: Annotated[str, Field(max_length=LONGEST_DISPLAY_NAME)] | None = None
    """Name for people. Defaults to the object's name."""
    short_description: Annotated[str, Field(max_length=LONGEST_SHORT_DESCRIPTION)] | None = None
    """What it holds, in a few words."""
    description: Annotated[str, Field(max_length=LONGEST_DESCRIPTION)] | None = None
    """What it holds, as text."""
    tags: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)], ...], Field(max_length=MOST_TAGS)
    ] = ()
    """Words to find it by."""
    storage: PoolStorage = PoolStorage()
    """Where the files are. Defaults to the results store."""


class Pool(ResourceModel):
    """A data pool of a namespace."""

    metadata: ObjectMeta
    spec: PoolSpec = PoolSpec()
    """What it is."""
    status: PoolStatus = PoolStatus()
    """What the operator says of it."""

    @property
    def is_on_claim(self) -> bool:
        """Tell whether the files are on a volume, not in the results store."""
        return self.spec.storage.type is StorageType.CLAIM

    @property
    def shown_name(self) -> str:
        """Return its name for people."""
        return self.spec.display_name or self.metadata.name
