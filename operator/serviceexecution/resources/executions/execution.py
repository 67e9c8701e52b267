"""The ServiceExecution custom resource."""

import re
from datetime import datetime
from typing import Final

from pydantic import Field

from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.executions.execution_status import ExecutionStatus
from serviceexecution.resources.model import ResourceModel
from serviceexecution.resources.reference import ExecutionReference

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_uuid(text: str) -> bool:
    """Tell whether the text is a UUID in its usual form, in lower case."""
    return _UUID.fullmatch(text) is not None


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

    @property
    def api_id(self) -> str:
        """Return the execution's id in the Service API, a UUID: its name when that is one, else its uid."""
        return self.metadata.name if is_uuid(self.metadata.name) else self.metadata.uid
