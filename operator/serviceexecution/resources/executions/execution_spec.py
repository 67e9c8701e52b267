"""``ServiceExecution.spec``: what a user asks for."""

from typing import Annotated, Final

from pydantic import Field

from serviceexecution.resources.executions.execution_settings import IMMUTABLE_NODE, ExecutionSettings
from serviceexecution.resources.executions.runtime import Runtime
from serviceexecution.resources.model import OpaqueObject, ResourceModel
from serviceexecution.resources.object_names import ObjectName
from serviceexecution.resources.pod_fields import LocalObjectReference

NEVER_IN_INPUT: Final = {
    "type": "object",
    "description": "Refused: everybody who may read the execution would see it.",
    "x-kubernetes-preserve-unknown-fields": True,
    "x-kubernetes-validations": [
        {
            "rule": "false",
            "message": "secrets must not stand in the input: put them into a Secret and name it in spec.secrets",
        }
    ],
}


class InputSource(ResourceModel):
    """Where the input comes from."""

    config_map_ref: LocalObjectReference
    """A ConfigMap with one key per property, whose value is the property's JSON text, 1,000,000 bytes in
    all.
    """


class ServiceReference(ResourceModel):
    """A service of the execution's namespace."""

    name: ObjectName
    """Name of the ServiceDefinition."""


class ExecutionSpec(ExecutionSettings):
    """What to run, with what, and how long. Only cancel, ttlSecondsAfterFinished and tags may change
    later.
    """

    service_ref: ServiceReference | None = None
    """The service that this is a run of. What the execution leaves out is taken from its ServiceDefinition.
    Give either serviceRef or runtime.
    """
    runtime: Runtime | None = None
    """What runs, when it is not a service. Give either serviceRef or runtime."""
    input: Annotated[
        OpaqueObject | None,
        Field(
            json_schema_extra={
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                "properties": {"$secrets": NEVER_IN_INPUT},
                "maxProperties": 10_000,
                **IMMUTABLE_NODE,
            }
        ),
    ] = None
    """The input as an object, one file per property. Kubernetes does not keep every JSON value exactly:
    use inputJson where digits, nulls or 1.0 matter. Secrets never go here but into spec.secrets.
    """
    input_json: Annotated[str, Field(max_length=262144)] | None = None
    """The input as JSON text, kept byte for byte, at most 256 KiB."""
    input_from: InputSource | None = None
    """The input in a ConfigMap, kept byte for byte, at most 1,000,000 bytes."""
    cancel: bool | None = None
    """Set to true to stop the program; log and output so far are kept. Cannot be taken back."""
