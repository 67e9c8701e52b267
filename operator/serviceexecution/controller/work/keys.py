"""What the work queues are keyed by."""

from typing import NamedTuple, Self

from serviceexecution.resources.executions.execution import ServiceExecution


class ExecutionKey(NamedTuple):
    """An execution's namespace and name."""

    namespace: str
    name: str

    def fields(self) -> dict[str, str]:
        """Return the fields of log lines about the execution."""
        return {"namespace": self.namespace, "execution": self.name}


class ServiceKey(NamedTuple):
    """A service's namespace and name: those of its ServiceDefinition."""

    namespace: str
    name: str

    @classmethod
    def of(cls, execution: ServiceExecution) -> Self | None:
        """Return the service that the execution is a run of."""
        reference = execution.spec.service_ref
        return None if reference is None else cls(execution.metadata.namespace, reference.name)

    def fields(self) -> dict[str, str]:
        """Return the fields of log lines about the service."""
        return {"namespace": self.namespace, "service": self.name}


class PoolKey(NamedTuple):
    """A data pool's namespace and name: those of its DataPool."""

    namespace: str
    name: str

    def fields(self) -> dict[str, str]:
        """Return the fields of log lines about the data pool."""
        return {"namespace": self.namespace, "pool": self.name}
