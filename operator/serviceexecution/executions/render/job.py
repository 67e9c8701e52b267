"""Renders an execution's children: its input and the Job of one attempt."""

from dataclasses import dataclass

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.executions.names import job_name, labels, owner_reference
from serviceexecution.executions.planning.plan import Plan
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.executions.render.input import input_config_map
from serviceexecution.executions.render.pod import pod_template
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.names import LABEL_QUEUE_NAME


@dataclass(frozen=True, slots=True)
class RenderedChildren:
    """What an attempt needs, in the order in which it is created: a Job never waits for its input."""

    config_map: JsonObject | None
    job: JsonObject


def render_children(
    execution: ServiceExecution, plan: Plan, defaults: PodDefaults, attempt: int
) -> RenderedChildren:
    """Return the children of the attempt."""
    config_map = None
    if plan.input.source == "own":
        config_map = input_config_map(execution.reference, plan.input)
    return RenderedChildren(config_map, _job(execution, plan, defaults, attempt))


def _job(execution: ServiceExecution, plan: Plan, defaults: PodDefaults, attempt: int) -> JsonObject:
    reference = execution.reference
    job_labels: dict[str, JsonValue] = labels(reference, attempt)
    spec: JsonObject = {
        "backoffLimit": 0,
        "completions": 1,
        "parallelism": 1,
        # Without it a second pod could start while the first still ends.
        "podReplacementPolicy": "Failed",
        "template": pod_template(execution, plan, defaults, attempt),
    }
    if execution.spec.queue_name is not None:
        job_labels[LABEL_QUEUE_NAME] = execution.spec.queue_name
        spec["suspend"] = True
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(reference, attempt),
            "namespace": reference.namespace,
            "labels": job_labels,
            "ownerReferences": [owner_reference(reference)],
        },
        "spec": spec,
    }
