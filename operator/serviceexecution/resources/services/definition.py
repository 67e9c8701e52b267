"""The ServiceDefinition custom resource: what a service is, for all of its executions."""

from typing import Annotated

from pydantic import Field

from serviceexecution.resources.executions.execution import ObjectMeta
from serviceexecution.resources.executions.execution_settings import ClaimReference, ExecutionSettings
from serviceexecution.resources.executions.runtime import ServiceRuntime
from serviceexecution.resources.model import Duration, OpaqueObject, ResourceModel
from serviceexecution.resources.pod_fields import ResourceQuantity, ResourceRequirements
from serviceexecution.resources.services.definition_status import SCHEMA_FIELD, ServiceDefinitionStatus
from serviceexecution.resources.services.source import Source


class ServiceLimits(ResourceModel):
    """The most that an execution may ask for. An execution that asks for more is refused."""

    resources: Annotated[dict[str, ResourceQuantity], Field(max_length=32)] | None = None
    """Most of each resource, such as cpu and memory, in requests and limits alike."""
    timeout: Duration | None = None
    """Longest timeout. Executions without a timeout have this one."""
    output: ResourceQuantity | None = None
    """Largest output limit. Executions without an output limit have this one if it is below the default."""


class DataPoolRules(ResourceModel):
    """Which data pools executions may use."""

    allowed: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=253)], ...], Field(max_length=256)
    ] = ()
    """Ids of data pools (label serviceexecution.dev/datapool-id) or names of claims. Empty: none."""


RevisionName = Annotated[
    str,
    Field(
        max_length=12,
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": "self.matches('^r[1-9][0-9]*$')", "message": "must be a revision's name such as r3"}
            ]
        },
    ),
]


class BuildCache(ResourceModel):
    """Where builds keep what they can use again, beside the layers in the registry."""

    persistent_volume_claim: ClaimReference
    """The claim; one build at a time uses it, others go without."""


class BuildSettings(ResourceModel):
    """How the image of a service is built."""

    timeout: Duration | None = None
    """How long a build may take from its start. Defaults to the operator's, 30m."""
    resources: ResourceRequirements | None = None
    """CPU, memory and devices of a build. Defaults to the operator's."""
    cache: BuildCache | None = None
    """A volume for downloaded packages and layers. Without it only layers are kept, in the registry."""
    token: Annotated[str, Field(max_length=253)] | None = None
    """Any text. A change of it builds again even if nothing else has changed, such as a base image's tag."""
    cancel: RevisionName | None = None
    """Stops the build of the revision of that name."""


class ServiceDefinitionSpec(ExecutionSettings):
    """What a service is. Every field that an execution may set, too, is the value for executions that do
    not; env, secrets, dataPools and the members of output are merged by name. Changes count for executions
    that start later.
    """

    display_name: Annotated[str, Field(max_length=256)] | None = None
    """Name for people."""
    description: Annotated[str, Field(max_length=8192)] | None = None
    """What the service does, for its users, as text."""
    runtime: ServiceRuntime
    """What runs."""
    source: Source | None = None
    """The source that the image is built from, for runtime.python and runtime.docker.build."""
    build: BuildSettings | None = None
    """How the image is built."""
    revision: RevisionName | None = None
    """The revision that executions run, to go back to an earlier one. Defaults to the newest that was built."""
    input_schema: Annotated[OpaqueObject | None, Field(json_schema_extra=SCHEMA_FIELD)] = None
    """JSON Schema (2020-12) that inputs must fit, checked before anything runs. At most 64 KiB."""
    output_schema: Annotated[OpaqueObject | None, Field(json_schema_extra=SCHEMA_FIELD)] = None
    """JSON Schema (2020-12) that the main result must fit, else the execution fails. At most 64 KiB."""
    limits: ServiceLimits | None = None
    """The most that an execution may ask for."""
    data_pool_rules: DataPoolRules | None = None
    """Which data pools executions may use. Without it all of the namespace."""
    concurrency: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Most executions that run at the same time; more wait as Queued. No limit by default."""
    input_retention: Duration | None = None
    """How long after its end an execution's input is kept, to be run again; 0s: not beyond the end. Only for executions
    that come by the gateway. Defaults to the operator's setting, else as long as the execution is kept."""
    execution_token: bool | None = None
    """Whether programs get a token in KQH_SERVICE_EXECUTION_TOKEN, which ends with the execution: what they start with
    it has the execution as its parent. Only for executions that come by the gateway. Defaults to false."""


class ServiceDefinition(ResourceModel):
    """A service of a namespace."""

    metadata: ObjectMeta
    spec: ServiceDefinitionSpec
    """What the service is."""
    status: ServiceDefinitionStatus = ServiceDefinitionStatus()
    """What the operator says of it."""

    @property
    def is_built(self) -> bool:
        """Tell whether the image is built here, and not given."""
        runtime = self.spec.runtime
        return runtime.python is not None or (runtime.docker is not None and runtime.docker.build is not None)

    @property
    def input_schema(self) -> OpaqueObject | None:
        """Return the JSON Schema that inputs must fit: the service's own, else that of what was built."""
        if self.spec.input_schema is not None:
            return self.spec.input_schema
        serving = self.status.serving if self.is_built else None
        return None if serving is None else serving.input_schema

    @property
    def output_schema(self) -> OpaqueObject | None:
        """Return the JSON Schema of main results: the service's own, which they must fit, else what was built says."""
        if self.spec.output_schema is not None:
            return self.spec.output_schema
        serving = self.status.serving if self.is_built else None
        return None if serving is None else serving.output_schema
