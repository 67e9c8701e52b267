"""Renders the pod template: the user's container, the collector, and what they share."""

from collections.abc import Set
from hashlib import sha256
from typing import Final, cast

from serviceexecution.contract.input.secret_names import secret_variable
from serviceexecution.contract.json_types import JsonObject, JsonValue, object_of
from serviceexecution.contract.paths import (
    DATAPOOL_DIRECTORY,
    INPUT_DIRECTORY,
    OLDER_INPUT_DIRECTORY,
    OUTPUT_DIRECTORY,
    data_pool_directory,
)
from serviceexecution.contract.traceparent import VARIABLE as TRACE_VARIABLE
from serviceexecution.contract.traceparent import TraceContext
from serviceexecution.executions.attempts.memory import raised_memory
from serviceexecution.executions.names import labels
from serviceexecution.executions.planning.plan import Plan
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.executions.pools.resolve import MountedPool
from serviceexecution.executions.pools.staging import staging_seconds
from serviceexecution.executions.render.collector import collector_container, collector_volume
from serviceexecution.executions.render.data_pools import main_mounts, pool_volumes, stage_in_containers
from serviceexecution.executions.render.fields import dump, dump_all
from serviceexecution.executions.render.input import input_volume
from serviceexecution.executions.render.memory import with_memory
from serviceexecution.executions.render.merge import merge
from serviceexecution.executions.render.security import container_security, pod_security
from serviceexecution.executions.trace import given_trace, trace_of_run
from serviceexecution.resources.execution_token import SECRET_KEY, VARIABLE
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.names import (
    ANNOTATION_EXECUTION_TOKEN,
    API_GROUP,
    MAIN_CONTAINER,
    OUTPUT_LIMIT_ANNOTATION,
)
from serviceexecution.resources.pods.pod_protection import NO_SIDECARS, PROTECTION

HOME_DIRECTORY: Final = "/var/runtime/home"
DEFAULT_CONTAINER_ANNOTATION: Final = "kubectl.kubernetes.io/default-container"
"""Which container kubectl shows the log of when none is named: else the first."""
USER_NAME: Final = "serviceexecution"
"""What the base images call the user that programs run as."""
COLLECT_GRACE: Final = 60
"""Seconds that the collector has after main was killed, for a last pass over the output."""


def pod_template(execution: ServiceExecution, plan: Plan, defaults: PodDefaults, attempt: int) -> JsonObject:
    """Return the Job's pod template with ``spec.podTemplate`` merged in last."""
    template = _rendered(execution, plan, defaults, attempt)
    raised = raised_memory(execution.spec.retry, execution.status.earlier_attempts or ())
    return template if raised is None else with_memory(template, raised)


def _rendered(execution: ServiceExecution, plan: Plan, defaults: PodDefaults, attempt: int) -> JsonObject:
    own_labels = labels(execution.reference, attempt)
    annotations = {
        **PROTECTION,
        OUTPUT_LIMIT_ANNOTATION: str(plan.output_limit),
        DEFAULT_CONTAINER_ANNOTATION: MAIN_CONTAINER,
    }
    template: JsonObject = {
        "metadata": {
            "labels": {**own_labels, **NO_SIDECARS},
            "annotations": {**annotations},
        },
        "spec": _pod_spec(execution, plan, defaults, attempt),
    }
    patch = execution.spec.pod_template
    if not patch:
        return template
    merged = _without_our_names(merge(template, patch), {*own_labels, OUTPUT_LIMIT_ANNOTATION})
    # What the operator recognises its pods by, and what keeps a program from running twice, is not up for merging.
    essential: JsonObject = {
        "metadata": {
            "labels": {**own_labels},
            "annotations": {OUTPUT_LIMIT_ANNOTATION: annotations[OUTPUT_LIMIT_ANNOTATION]},
        },
        "spec": {"restartPolicy": "Never"},
    }
    return _with_last_words(merge(merged, essential))


def _with_last_words(template: JsonObject) -> JsonObject:
    """Let init containers that say nothing of it leave the end of their log, which tells why one failed."""
    pod = object_of(template.get("spec"))
    containers = pod.get("initContainers")
    if not isinstance(containers, list):
        return template
    policy: JsonObject = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    worded: list[JsonValue] = [{**policy, **object_of(one)} for one in containers]
    return {**template, "spec": {**pod, "initContainers": worded}}


def _without_our_names(template: JsonObject, own: Set[str]) -> JsonObject:
    """Take away other labels and annotations of ours: what tells a run's pod from a build's is not for a template."""
    metadata = template.get("metadata")
    kept: JsonObject = {}
    for part, values in (metadata if isinstance(metadata, dict) else {}).items():
        theirs = values if isinstance(values, dict) else {}
        kept[part] = {
            name: value
            for name, value in theirs.items()
            if name in own or not name.startswith(f"{API_GROUP}/")
        }
    return {**template, "metadata": kept}


def _pod_spec(execution: ServiceExecution, plan: Plan, defaults: PodDefaults, attempt: int) -> JsonObject:
    spec = execution.spec
    trace = trace_of_run(execution, attempt) if defaults.traced else given_trace(execution)
    shared = spec.share_process_namespace is not False
    pod: JsonObject = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": int(plan.times.cancel_grace + 0.999) + COLLECT_GRACE,
        "securityContext": pod_security(spec.security_context, defaults),
        "containers": [
            # First, so that it is there when main starts: what a program of milliseconds uses is counted by then.
            collector_container(spec, plan, defaults),
            _main_container(execution, plan, trace),
        ],
        "volumes": _volumes(execution, plan),
    }
    if stage_in := stage_in_containers(spec, plan, defaults):
        pod["initContainers"] = stage_in
    if shared:
        pod["shareProcessNamespace"] = True
    if plan.times.timeout is not None:
        # Stops the program even when the operator is down; the operator itself stops it to the second.
        start = plan.times.start_timeout + staging_seconds(plan.staged_bytes)
        pod["activeDeadlineSeconds"] = int(plan.times.timeout + start) + 3600
    for name, value in (
        ("serviceAccountName", spec.service_account_name),
        ("nodeSelector", spec.node_selector),
        ("affinity", spec.affinity),
        ("priorityClassName", spec.priority_class_name),
        ("runtimeClassName", spec.runtime_class_name),
        ("imagePullSecrets", dump_all(spec.image_pull_secrets)),
        ("tolerations", dump_all(spec.tolerations)),
    ):
        if value is not None:
            pod[name] = cast("JsonValue", value)
    return pod


def _main_container(execution: ServiceExecution, plan: Plan, trace: TraceContext | None) -> JsonObject:
    spec = execution.spec
    docker = plan.runtime
    container: JsonObject = {
        "name": MAIN_CONTAINER,
        **dump(docker),
        "env": [*_environment(execution, trace), *_token(execution)],
        "securityContext": container_security(spec.security_context),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "input", "mountPath": INPUT_DIRECTORY, "readOnly": True},
            {"name": "input", "mountPath": OLDER_INPUT_DIRECTORY, "readOnly": True},
            _output_mount(plan),
            {"name": "datapool", "mountPath": DATAPOOL_DIRECTORY},
            *[_pool_mount(pool) for pool in plan.pools],
            *main_mounts(plan),
            {"name": "home", "mountPath": HOME_DIRECTORY},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }
    if spec.resources is not None:
        container["resources"] = dump(spec.resources)
    return container


def _environment(execution: ServiceExecution, trace: TraceContext | None) -> list[JsonValue]:
    spec = execution.spec
    given = {variable.name for variable in spec.env}
    defaults: dict[str, str] = {
        "HOME": HOME_DIRECTORY,
        # Without it a Python program's prints are lost when it is killed, and are not live before.
        "PYTHONUNBUFFERED": "1",
    }
    if spec.security_context is None or spec.security_context.run_as_user is None:
        # Most images know no name of our user, and programs that ask for it would fail.
        defaults |= {"USER": USER_NAME, "LOGNAME": USER_NAME}
    if trace is not None:
        defaults[TRACE_VARIABLE] = trace.text
    variables: list[JsonValue] = [
        {"name": name, "value": value} for name, value in defaults.items() if name not in given
    ]
    for name in sorted(spec.secrets or {}):
        source = (spec.secrets or {})[name]
        variables.append({"name": secret_variable(name), "valueFrom": dump(source)})
    variables += [dump(variable) for variable in spec.env]
    return variables


def _token(execution: ServiceExecution) -> list[JsonValue]:
    """Return the variable of the execution's token, which is in the run's own Secret and goes with it."""
    metadata = execution.metadata
    given = {variable.name for variable in execution.spec.env}
    if ANNOTATION_EXECUTION_TOKEN not in metadata.annotations or VARIABLE in given:
        return []
    key: JsonObject = {"name": metadata.name, "key": SECRET_KEY, "optional": True}
    return [{"name": VARIABLE, "valueFrom": {"secretKeyRef": key}}]


def _output_mount(plan: Plan) -> JsonObject:
    mount: JsonObject = {"name": "output", "mountPath": OUTPUT_DIRECTORY}
    if plan.output_sub_path is not None:
        mount["subPath"] = plan.output_sub_path
    return mount


def _pool_mount(pool: MountedPool) -> JsonObject:
    mount: JsonObject = {"name": _claim_volume(pool.claim), "mountPath": data_pool_directory(pool.property)}
    if pool.sub_path:
        mount["subPath"] = pool.sub_path
    if pool.read_only:
        mount["readOnly"] = True
    return mount


def _claim_volume(claim: str) -> str:
    """Return a volume's name for a claim: claims may have dots and 253 characters, volumes may not."""
    if len(claim) <= 50 and "." not in claim:
        return f"claim-{claim}"
    return f"claim-{sha256(claim.encode()).hexdigest()[:16]}"


def _volumes(execution: ServiceExecution, plan: Plan) -> list[JsonValue]:
    output: JsonObject = {"name": "output"}
    if plan.output_claim is not None:
        output["persistentVolumeClaim"] = {"claimName": plan.output_claim}
    else:
        # The collector enforces the limit; the kubelet's own limit evicts the pod and loses output and log.
        output["emptyDir"] = {"sizeLimit": str(2 * plan.output_limit + 1024**3)}
    claims: list[JsonValue] = [
        {"name": _claim_volume(claim), "persistentVolumeClaim": {"claimName": claim}}
        for claim in sorted({pool.claim for pool in plan.pools})
    ]
    return [
        input_volume(execution.reference, plan.input),
        output,
        {"name": "datapool", "emptyDir": {}},
        {"name": "home", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        collector_volume(),
        *claims,
        *pool_volumes(plan),
    ]
