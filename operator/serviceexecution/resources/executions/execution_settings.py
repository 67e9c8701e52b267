"""What an execution may set of its run, and a service for all of its executions."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from serviceexecution.resources.executions.retry import Retry
from serviceexecution.resources.model import Duration, OpaqueObject, ResourceModel
from serviceexecution.resources.object_names import DataKey, ObjectName, QueueName
from serviceexecution.resources.pod_fields import (
    EnvironmentVariable,
    KeySelector,
    LocalObjectReference,
    ResourceQuantity,
    ResourceRequirements,
    SecurityContext,
    ShortText,
    Toleration,
)

PropertyName = Annotated[str, Field(min_length=1, max_length=250)]
IMMUTABLE_NODE: Final = {
    "x-kubernetes-validations": [
        {
            "rule": "self == oldSelf",
            "message": "is immutable: an execution runs once; create a new one to run with other values",
        }
    ]
}


class SecretSource(ResourceModel):
    """Where the value of one secret comes from."""

    secret_key_ref: KeySelector
    """A key of a Secret in the execution's namespace, at most 128 KiB long."""


class ClaimReference(ResourceModel):
    """A PersistentVolumeClaim in the execution's namespace."""

    claim_name: ObjectName
    """Name of the claim."""


SubPath = Annotated[
    str,
    Field(
        max_length=1024,
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "!self.startsWith('/') && !self.split('/').exists(part, part == '..')",
                    "message": "must be a relative path without '..'",
                }
            ]
        },
    ),
]


class DataPoolReference(ResourceModel):
    """Names a DataPool of the execution's namespace."""

    name: ObjectName
    """Name of the DataPool."""


class DataPool(ResourceModel):
    """A folder that the program sees at /var/runtime/datapool/<property>: a DataPool, or a volume."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "has(self.persistentVolumeClaim) != has(self.dataPoolRef)",
                    "message": "give either persistentVolumeClaim or dataPoolRef",
                },
                {
                    "rule": "!has(self.subPath) || has(self.persistentVolumeClaim)",
                    "message": "subPath is for a persistentVolumeClaim: a DataPool is given as a whole",
                },
            ]
        }
    )

    data_pool_ref: DataPoolReference | None = None
    """The DataPool that holds the files. Either this or persistentVolumeClaim."""
    persistent_volume_claim: ClaimReference | None = None
    """The claim that holds the files. Either this or dataPoolRef."""
    sub_path: SubPath | None = None
    """Folder of the volume to mount. Defaults to its root."""
    read_only: bool = True
    """Whether the program may only read. Defaults to true. Changes of a DataPool in the results store are
    written back when the program has ended with exit code 0."""


class OutputSpec(ResourceModel):
    """Where output is written before it is collected, and how much of it there may be."""

    limit: ResourceQuantity | None = None
    """Most bytes that are collected, such as 10Gi. What does not fit is named in the result. Defaults to
    10Gi.
    """
    persistent_volume_claim: ClaimReference | None = None
    """Writes output to this claim instead of the node's disk; the files stay there after collection."""
    sub_path: SubPath | None = None
    """Folder on the claim. Defaults to the execution's uid."""
    collect_timeout: Duration | None = None
    """How long collecting may take after the program's end. Defaults to 1h."""


class Callback(ResourceModel):
    """Who is told of an execution's end, by a CloudEvent over HTTP."""

    url: Annotated[str, Field(min_length=1, max_length=2048)]
    """Where the event is posted to. Must be among the URLs that the operator allows."""
    signing_key: DataKey | None = None
    """Key of the namespace's Secret serviceexecution-callbacks whose value signs the event. Defaults to
    default.
    """


class ExecutionSettings(ResourceModel):
    """How a program runs."""

    secrets: Annotated[dict[PropertyName, SecretSource], Field(max_length=64)] | None = None
    """Secrets by name. The program finds ibmToken in the variable SECRET_IBM_TOKEN."""
    data_pools: Annotated[dict[PropertyName, DataPool], Field(max_length=64)] | None = None
    """Data pools by property. The program finds the files at /var/runtime/datapool/<property>."""
    output: OutputSpec | None = None
    """Where output is written and how much is kept."""
    env: Annotated[
        tuple[EnvironmentVariable, ...],
        Field(
            max_length=256,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()
    """Environment variables of the program."""
    resources: ResourceRequirements | None = None
    """CPU, memory and devices of the program."""
    timeout: Duration | None = None
    """How long the program may run, counted from its start, in each attempt. Without it there is no limit."""
    retry: Retry | None = None
    """When a program that has failed is run again. An execution's replaces its service's as a whole."""
    start_timeout: Duration | None = None
    """How long the program may take to start once its pod is allowed to run. Defaults to 10m; known
    causes such as a missing Secret have shorter limits of their own.
    """
    cancel_grace: Duration | None = None
    """Time between SIGTERM and SIGKILL at cancel and timeout. Defaults to 30s. Without a shared process
    namespace a program that ignores SIGTERM lives a minute longer, in which its output is collected.
    """
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=315360000)] | None = None
    """Seconds after the end at which the execution is deleted; its log and result follow when the operator's
    retention is over. Never by default. A client that asks for the end now and then must still find it:
    give at least 60 where anybody waits.
    """
    service_account_name: ObjectName | None = None
    """ServiceAccount of the pod. Its token is not mounted."""
    image_pull_secrets: Annotated[tuple[LocalObjectReference, ...], Field(max_length=16)] | None = None
    """Secrets with credentials of image registries."""
    node_selector: Annotated[dict[str, ShortText], Field(max_length=64)] | None = None
    """Labels that the node must carry."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=64)] | None = None
    """Taints that the pod accepts."""
    affinity: Annotated[
        OpaqueObject | None,
        Field(
            json_schema_extra={
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                **IMMUTABLE_NODE,
            }
        ),
    ] = None
    """Scheduling rules, as in a pod's spec.affinity."""
    priority_class_name: ObjectName | None = None
    """Priority of the pod."""
    runtime_class_name: ObjectName | None = None
    """Container runtime of the pod, such as gvisor."""
    security_context: SecurityContext | None = None
    """Identity and rights of the pod. The defaults pass Pod Security restricted."""
    share_process_namespace: bool | None = None
    """Whether main and collector see each other's processes. Defaults to true; false for images that
    insist on being process 1, whose end is then noticed a little later.
    """
    pod_template: Annotated[
        OpaqueObject | None,
        Field(
            json_schema_extra={
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                **IMMUTABLE_NODE,
            }
        ),
    ] = None
    """Merged into the pod template last (lists of objects by name), for what this resource does not model."""
    tags: Annotated[tuple[Annotated[str, Field(max_length=256)], ...], Field(max_length=64)] | None = None
    """Free labels for people and programs."""
    queue_name: QueueName | None = None
    """Kueue LocalQueue. The Job is created suspended and runs when Kueue admits it."""
    result_retention: Duration | None = None
    """How long log and result are kept after the end, whether or not the execution itself is still there.
    Without it they are kept as long as the execution, and then for the operator's retention.
    """
    callback: Callback | None = None
    """The receiver that is told when the execution has ended."""
