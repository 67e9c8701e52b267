"""What an execution's status says of the data pools of the results store that it uses."""

from typing import Annotated

from pydantic import Field

from serviceexecution.resources.executions.status_values import LargeInteger
from serviceexecution.resources.model import ResourceModel


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
