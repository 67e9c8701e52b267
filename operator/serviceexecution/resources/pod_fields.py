"""Fields of a pod that an execution's spec passes on, as in the core/v1 API but no more than we support."""

from typing import Annotated, Final, Literal

from pydantic import Field

from serviceexecution.resources.model import ResourceModel
from serviceexecution.resources.object_names import DataKey, ObjectName

QUANTITY_PATTERN: Final = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
"""As the API server's own CRDs write it (resource.Quantity)."""

ResourceQuantity = Annotated[
    int | str,
    Field(
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            "pattern": QUANTITY_PATTERN,
        }
    ),
]
ResourceList = Annotated[dict[str, ResourceQuantity], Field(max_length=32)]
ShortText = Annotated[str, Field(max_length=1024)]
UnixId = Annotated[int, Field(ge=0, le=2147483647)]


class LocalObjectReference(ResourceModel):
    """Names an object in the execution's namespace."""

    name: ObjectName
    """Name of the object."""


class KeySelector(ResourceModel):
    """One key of a Secret or a ConfigMap in the execution's namespace."""

    name: ObjectName
    """Name of the object that holds the key."""
    key: DataKey
    """The key whose value is taken."""
    optional: bool | None = None
    """When true, the object or the key may be missing; the variable is then not set."""


class FieldSelector(ResourceModel):
    """A field of the pod."""

    field_path: Annotated[str, Field(min_length=1, max_length=512)]
    """Path of the field, such as status.podIP."""


class ResourceFieldSelector(ResourceModel):
    """A resource of the main container."""

    resource: Annotated[str, Field(min_length=1, max_length=253)]
    """The resource, such as limits.memory."""
    divisor: ResourceQuantity | None = None
    """Unit of the value, such as 1Mi. Defaults to 1."""


class EnvironmentSource(ResourceModel):
    """Where a variable's value comes from: exactly one of the members."""

    secret_key_ref: KeySelector | None = None
    """A key of a Secret."""
    config_map_key_ref: KeySelector | None = None
    """A key of a ConfigMap."""
    field_ref: FieldSelector | None = None
    """A field of the pod."""
    resource_field_ref: ResourceFieldSelector | None = None
    """A resource limit or request of the main container."""


class EnvironmentVariable(ResourceModel):
    """One environment variable of the main container, under exactly the name given here."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    """Name of the variable."""
    value: Annotated[str, Field(max_length=131072)] | None = None
    """The value as text. Give either value or valueFrom."""
    value_from: EnvironmentSource | None = None
    """Where the value comes from. Give either value or valueFrom."""


class ResourceRequirements(ResourceModel):
    """CPU, memory and devices of the main container."""

    requests: ResourceList | None = None
    """What the scheduler reserves."""
    limits: ResourceList | None = None
    """What the container may use at most."""


class Toleration(ResourceModel):
    """A taint that the pod accepts."""

    key: ShortText | None = None
    """Key of the taint; empty matches all keys (operator Exists)."""
    operator: Literal["Exists", "Equal", "Lt", "Gt"] | None = None
    """How key and value are compared. Defaults to Equal."""
    value: ShortText | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; empty matches all."""
    toleration_seconds: int | None = None
    """How long a NoExecute taint is tolerated."""


class Capabilities(ResourceModel):
    """Linux capabilities of the main container."""

    add: Annotated[tuple[ShortText, ...], Field(max_length=64)] | None = None
    """Capabilities to add. Namespaces that enforce Pod Security restricted allow NET_BIND_SERVICE only."""
    drop: Annotated[tuple[ShortText, ...], Field(max_length=64)] | None = None
    """Capabilities to drop. Defaults to ALL."""


class SeccompProfile(ResourceModel):
    """Which system calls the pod may make."""

    type: Literal["RuntimeDefault", "Localhost", "Unconfined"]
    """Kind of profile."""
    localhost_profile: ShortText | None = None
    """Path of the profile on the node, for type Localhost."""


class SecurityContext(ResourceModel):
    """Overrides of the pod's identity and rights; the defaults pass Pod Security restricted.

    An image that must run as root says so here: ``runAsUser: 0`` and ``runAsNonRoot: false``.
    """

    run_as_user: UnixId | None = None
    """User id of main and collector. Defaults to the operator's setting, 65532."""
    run_as_group: UnixId | None = None
    """Group id of main and collector. Defaults to runAsUser."""
    fs_group: UnixId | None = None
    """Group that owns mounted volumes. Defaults to runAsGroup."""
    supplemental_groups: Annotated[tuple[UnixId, ...], Field(max_length=32)] | None = None
    """Further groups of the processes, such as the owner of a shared data pool."""
    run_as_non_root: bool | None = None
    """Refuses to start as root. Defaults to true unless runAsUser is 0."""
    seccomp_profile: SeccompProfile | None = None
    """Profile of system calls. Defaults to RuntimeDefault."""
    capabilities: Capabilities | None = None
    """Linux capabilities of the main container."""
    allow_privilege_escalation: bool | None = None
    """Whether main may gain rights by setuid programs. Defaults to false."""
    read_only_root_filesystem: bool | None = None
    """Whether main's root file system is read-only. Defaults to false; HOME and /tmp are always writable."""
