"""What we read of Jobs, pods, claims and ConfigMaps: small frozen models, parsed once at the edge."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from serviceexecution.contract.json_types import object_at
from serviceexecution.resources.executions.execution import ObjectMeta
from serviceexecution.resources.model import ResourceModel
from serviceexecution.resources.names import COLLECTOR_CONTAINER, MAIN_CONTAINER

UNTOLD: Final = datetime.min.replace(tzinfo=UTC)
"""In place of a time that somebody left out."""
_QUANTITY_CHARACTERS: Final = 64


def _told(value: object) -> object:
    return UNTOLD if value is None else value


class ConditionView(ResourceModel):
    """One condition of a Job or a pod."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class OwnerView(ResourceModel):
    """One owner of an object."""

    kind: str
    name: str
    uid: str
    controller: bool = False


def _newest_status_write(value: object) -> object:
    """Return the time of the newest write of a status among managed fields, which the API server stamps."""
    if not isinstance(value, list):
        return value
    times = [
        entry["time"]
        for entry in value
        if isinstance(entry, dict)
        and entry.get("subresource") == "status"
        and isinstance(entry.get("time"), str)
    ]
    return max(times, default=None)


class ChildMeta(ObjectMeta):
    """Metadata of an object that an execution may own."""

    owner_references: tuple[OwnerView, ...] = ()
    status_written: Annotated[datetime | None, BeforeValidator(_newest_status_write)] = Field(
        default=None, alias="managedFields"
    )
    """When the status was last written, on the API server's clock; of a pod mostly by its kubelet."""

    def controlled_by(self, uid: str) -> bool:
        """Tell whether the object of that uid is this one's controller."""
        return any(owner.controller and owner.uid == uid for owner in self.owner_references)


class JobSpecView(ResourceModel):
    """What we read of a Job's spec."""

    suspend: bool = False


class JobStatusView(ResourceModel):
    """What we read of a Job's status."""

    start_time: datetime | None = None
    """When the Job was last allowed to run: at creation, or when its queue admitted it."""
    conditions: tuple[ConditionView, ...] = ()


class JobView(ResourceModel):
    """A Job."""

    metadata: ChildMeta
    spec: JobSpecView = JobSpecView()
    status: JobStatusView = JobStatusView()

    @property
    def failed(self) -> ConditionView | None:
        """Return the Job's terminal condition Failed, if it is true. Conditions have no order."""
        return next((c for c in self.status.conditions if c.type == "Failed" and c.status == "True"), None)

    @property
    def suspended_at(self) -> datetime | None:
        """Return when the Job was last suspended or resumed, None when it never was."""
        return next((c.last_transition_time for c in self.status.conditions if c.type == "Suspended"), None)

    @property
    def was_suspended(self) -> bool:
        """Tell whether a queue holds the Job back, or did."""
        return self.spec.suspend or any(c.type == "Suspended" for c in self.status.conditions)

    @property
    def complete(self) -> bool:
        """Tell whether the Job's terminal condition Complete is true."""
        return any(c.type == "Complete" and c.status == "True" for c in self.status.conditions)

    @property
    def is_going(self) -> bool:
        """Tell whether the Job is being deleted."""
        return self.metadata.deletion_timestamp is not None


class WaitingView(ResourceModel):
    """A container that has not started."""

    reason: str = ""
    message: str = ""


class RunningView(ResourceModel):
    """A container that runs."""

    started_at: Annotated[datetime, BeforeValidator(_told)] = UNTOLD
    """Virtual kubelets may leave it out: PodView then takes the pod's start."""


class TerminatedView(ResourceModel):
    """A container that has ended."""

    exit_code: int
    signal: int | None = None
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerStateView(ResourceModel):
    """A container's state: at most one member is set."""

    waiting: WaitingView | None = None
    running: RunningView | None = None
    terminated: TerminatedView | None = None


class ContainerView(ResourceModel):
    """A container's status."""

    name: str
    container_id: str = Field(default="", alias="containerID")
    """Empty as long as the runtime has made no container, as far as the kubelet knows."""
    image_id: str = Field(default="", alias="imageID")
    """The image with its digest, or only the digest."""
    state: ContainerStateView = ContainerStateView()
    last_state: ContainerStateView = ContainerStateView()
    """Of a container that is not run again: how it ended, when its node has gone down and found no trace of it."""

    @property
    def was_made(self) -> bool:
        """Tell whether the runtime has made a container, which may have run."""
        return bool(self.container_id) or self.last_state.terminated is not None


def _memory_limit_of_main(value: object) -> object:
    """Return the memory limit of main among containers."""
    for container in value if isinstance(value, list) else ():
        if isinstance(container, dict) and container.get("name") == MAIN_CONTAINER:
            limits = object_at(container, "resources", "limits")
            return str(limits["memory"])[:_QUANTITY_CHARACTERS] if "memory" in limits else None
    return value if isinstance(value, str) else None


class PodSpecView(ResourceModel):
    """What we read of a pod's spec."""

    node_name: str | None = None
    active_deadline_seconds: int | None = None
    termination_grace_period_seconds: int | None = None
    memory_limit: Annotated[str | None, BeforeValidator(_memory_limit_of_main)] = Field(
        default=None, alias="containers"
    )
    """Main's, such as 512Mi."""


class PodStatusView(ResourceModel):
    """What we read of a pod's status."""

    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    conditions: tuple[ConditionView, ...] = ()
    init_container_statuses: tuple[ContainerView, ...] = ()
    container_statuses: tuple[ContainerView, ...] = ()
    start_time: datetime | None = None


class PodView(ResourceModel):
    """A pod."""

    metadata: ChildMeta
    spec: PodSpecView = PodSpecView()
    status: PodStatusView = PodStatusView()

    def state_of(self, name: str) -> ContainerStateView:
        """Return the state of the container of that name, an empty one while nothing is said of it."""
        state = next(
            (c.state for c in self.status.container_statuses if c.name == name), ContainerStateView()
        )
        if state.running is None or state.running.started_at != UNTOLD:
            return state
        since = self.status.start_time or self.metadata.creation_timestamp
        return ContainerStateView(running=RunningView(started_at=since))

    @property
    def main(self) -> ContainerStateView:
        """Return the state of the user's container."""
        return self.state_of(MAIN_CONTAINER)

    @property
    def main_was_made(self) -> bool:
        """Tell whether there was a container of main, as far as the kubelet has told."""
        return any(c.was_made for c in self.status.container_statuses if c.name == MAIN_CONTAINER)

    @property
    def image(self) -> str | None:
        """Return main's image with its digest, None while the kubelet does not know it."""
        return (
            next((c.image_id for c in self.status.container_statuses if c.name == MAIN_CONTAINER), "") or None
        )

    @property
    def collector(self) -> ContainerStateView:
        """Return the state of the collector."""
        return self.state_of(COLLECTOR_CONTAINER)

    @property
    def ended(self) -> bool:
        """Tell whether no container of the pod will run again."""
        return self.status.phase in {"Succeeded", "Failed"}

    @property
    def is_going(self) -> bool:
        """Tell whether the pod is being deleted."""
        return self.metadata.deletion_timestamp is not None

    @property
    def never_ran(self) -> bool:
        """Tell whether it is certain that main was no process and will be none."""
        if self.main.running is not None or self.main.terminated is not None or self.main_was_made:
            return False
        # Nothing binds a pod to a node that is being deleted.
        return self.ended or (self.is_going and self.spec.node_name is None)

    @property
    def node_silent_since(self) -> datetime | None:
        """Return when Kubernetes took the pod's node for not ready, None while it is, or when nobody can tell.

        It then says that the pod is not ready, although its containers still are as the kubelet said last. A kubelet
        says so only of a pod with readiness gates, and gives the reason.
        """
        pod, containers = self.condition("Ready"), self.condition("ContainersReady")
        if pod is None or containers is None or pod.status != "False" or containers.status != "True":
            return None
        return None if pod.reason else pod.last_transition_time

    def condition(self, condition_type: str) -> ConditionView | None:
        """Return the condition of that type."""
        return next((c for c in self.status.conditions if c.type == condition_type), None)


class ClaimView(ResourceModel):
    """A PersistentVolumeClaim."""

    metadata: ObjectMeta


class ConfigMapView(ResourceModel):
    """A ConfigMap."""

    metadata: ObjectMeta
    data: dict[str, str] = Field(default_factory=dict)
    binary_data: dict[str, str] = Field(default_factory=dict)
    immutable: bool = False


class InputMapView(ConfigMapView):
    """A ConfigMap that an execution may own."""

    metadata: ChildMeta
