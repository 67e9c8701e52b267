"""The ServiceExecution custom resource."""

from datetime import datetime

from pydantic import Field

from serviceexecution.resources.execution_spec import ExecutionSpec
from serviceexecution.resources.execution_status import ExecutionStatus
from serviceexecution.resources.model import ResourceModel
from serviceexecution.resources.reference import ExecutionReference


class ObjectMeta(ResourceModel):
    """What we read of an object's metadata."""

    name: str
    namespace: str
    uid: str
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime
    deletion_timestamp: datetime | None = None
    annotations: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)


class ServiceExecution(ResourceModel):
    """One run of a service."""

    metadata: ObjectMeta
    spec: ExecutionSpec
    """What to run."""
    status: ExecutionStatus = ExecutionStatus()
    """What became of it."""

    @property
    def reference(self) -> ExecutionReference:
        """Return how other rooms name this execution."""
        return ExecutionReference(self.metadata.namespace, self.metadata.name, self.metadata.uid)
