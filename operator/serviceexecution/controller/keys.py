"""What the work queues are keyed by."""

from typing import NamedTuple, Self

from serviceexecution.resources.execution import ServiceExecution


class ExecutionKey(NamedTuple):
    """What the work queue is keyed by: an execution's namespace and name."""

    namespace: str
    name: str


class ServiceKey(NamedTuple):
    """A ServiceDefinition's namespace and name."""

    namespace: str
    name: str

    @classmethod
    def of(cls, execution: ServiceExecution) -> Self | None:
        """Return the service that the execution is a run of."""
        reference = execution.spec.service_ref
        return None if reference is None else cls(execution.metadata.namespace, reference.name)
