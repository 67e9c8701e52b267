"""What an execution's status says of the data pools of the results store that it uses."""

from typing import Annotated

from pydantic import Field

from serviceexecution.resources.executions.status_values import LargeInteger
from serviceexecution.resources.model import ResourceModel


class WrittenPool(ResourceModel):
    """What became of what the program has changed in a data pool."""

    reason: Annotated[str, Field(max_length=63)]
    """Written: it is the data pool's state. Conflict: another writer was faster. Else why it could not be kept."""
    message: Annotated[str, Field(max_length=1024)] | None = None
    """What is particular to this case."""
    index: Annotated[str, Field(max_length=64)] | None = None
    """SHA-256 of the index that lists the changed state. It is kept for some days when it is not the data pool's."""


class UsedPool(ResourceModel):
    """A data pool of the results store as the execution uses it: what is changed in it later does not count."""

    property: Annotated[str, Field(max_length=250)]
    """The program finds the files at /var/runtime/datapool/<property>."""
    name: str
    """Name of the DataPool."""
    uid: str
    """Uid of the DataPool."""
    index: Annotated[str, Field(max_length=64)] | None = None
    """SHA-256 of the index that lists its files. None: it has never had one."""
    files: LargeInteger = 0
    """Number of its files."""
    bytes: LargeInteger = 0
    """Size of its files together."""
    writable: bool | None = None
    """True: what the program changes becomes the data pool's state when it ends with exit code 0."""
    written: WrittenPool | None = None
    """What became of the changes. Unset: there were none."""
