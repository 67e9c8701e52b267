"""Every sample of manifests/samples does what its comment says, in a namespace that enforces *restricted*."""

import json
from typing import Final, cast

import pytest
import yaml

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    DATA_POOLS,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    SERVICE_DEFINITIONS,
    SERVICE_EXECUTIONS,
    ResourceKind,
)
from tests.support.cluster import ROLE_BINDINGS, ROLES, SECRETS, SERVICE_ACCOUNTS, member
from tests.support.sandbox import Sandbox, phase_and_reason
from tools import ROOT

KINDS: Final = {
    "ServiceExecution": SERVICE_EXECUTIONS,
    "ServiceDefinition": SERVICE_DEFINITIONS,
    "DataPool": DATA_POOLS,
    "Secret": SECRETS,
    "ConfigMap": CONFIG_MAPS,
    "PersistentVolumeClaim": PERSISTENT_VOLUME_CLAIMS,
    "Job": JOBS,
    "ServiceAccount": SERVICE_ACCOUNTS,
    "Role": ROLES,
    "RoleBinding": ROLE_BINDINGS,
}
OUTPUTS: Final[dict[str, JsonValue]] = {
    "data-pool": {"modelFiles": 0, "runs": 1},
    "hello": {"hello": "world"},
    "input-from": {"values": [1, 2.5, 1000]},
    "output-files": {"files": 3},
    "output-to-claim": {"trained": True},
    "pod-template": {"sharedMemoryKiB": 131072},
    "printed-result": {"printed": True},
    "private-registry": {"pulled": True},
    "process-one": {"process": 1},
    "retry": {"attempt": 2},
    "scheduling": {"ran": True},
    "secret": {"token": 16, "password": 19},
    "service": {"sum": 6},
}
TEXT_OUTPUT = '{"one": 1.0, "large": 12345678901234567890, "exponent": 1e3, "nothing": null, "größe": "ä"}'


def apply(sandbox: Sandbox, sample: str) -> None:
    """Creates what a sample holds, as ``kubectl apply`` would in a fresh namespace."""
    text = (ROOT / "manifests" / "samples" / f"{sample}.yaml").read_text()
    for document in cast("list[JsonObject]", list(yaml.safe_load_all(text))):
        kind: ResourceKind = KINDS[str(document["kind"])]
        sandbox.cluster.create(kind, sandbox.name, document)


def files(execution: JsonObject) -> list[JsonValue]:
    listed = cast("list[JsonValue]", member(execution, "status", "result", "files") or [])
    return sorted((member(file, "name") for file in listed), key=str)


def output(execution: JsonObject) -> str:
    return str(member(execution, "status", "result", "output") or "")


def succeed(sandbox: Sandbox, sample: str) -> JsonObject:
    apply(sandbox, sample)
    final = sandbox.wait_for_end(sample)
    assert phase_and_reason(final) == ("Succeeded", "Succeeded"), final.get("status")
    return final


@pytest.mark.parametrize("sample", OUTPUTS)
def test_a_sample_s_main_result_is_as_documented(sandbox, sample):
    assert json.loads(output(succeed(sandbox, sample))) == OUTPUTS[sample]


def test_the_data_pool_sample_counts_its_runs(sandbox):
    final = succeed(sandbox, "data-pool-in-store")
    assert json.loads(output(final)) == {"runs": 1}
    assert member(final, "status", "dataPools", 0, "written", "reason") == "Written"
    state = sandbox.cluster.get(DATA_POOLS, sandbox.name, "counted-runs")
    assert member(state, "status", "index") == member(final, "status", "dataPools", 0, "written", "index")
    assert member(state, "status", "files") == 1


def test_the_sum_sample_reads_its_data_pool(sandbox):
    apply(sandbox, "sum-prepare")
    complete = {"type": "Complete", "status": "True"}
    sandbox.cluster.wait_for(
        JOBS,
        sandbox.name,
        "sum-prepare",
        lambda job: any(complete.items() <= c.items() for c in member(job, "status", "conditions") or []),
        seconds=90,
        what="the data pool is filled",
    )
    final = succeed(sandbox, "sum")
    assert output(final) == '{"sum": 6}'
    assert files(final) == ["output.json", "products.csv"]


def test_built_service_waits_for_its_build(sandbox):
    apply(sandbox, "built-service")
    final = sandbox.wait_for_end("built-service", seconds=300)
    assert phase_and_reason(final) == ("Succeeded", "Succeeded"), final.get("status")
    assert json.loads(output(final)) == {"hello": "world"}
    assert member(final, "status", "service", "revision") == "r1"


def test_input_json_arrives_byte_for_byte(sandbox):
    assert output(succeed(sandbox, "input-json")) == TEXT_OUTPUT


def test_the_output_files_sample_keeps_its_files(sandbox):
    assert files(succeed(sandbox, "output-files")) == [
        "output.json",
        "plots/noise.bin",
        "plots/raw/points.csv",
    ]


def test_the_resources_sample_sees_its_environment(sandbox):
    seen = json.loads(output(succeed(sandbox, "resources-and-env")))
    assert seen.pop("NODE_NAME")
    assert seen == {"LOG_LEVEL": "DEBUG", "BACKEND": "simulator", "MEMORY_LIMIT": "128"}


def test_the_root_sample_runs_as_root_where_that_is_allowed(new_sandbox):
    assert output(succeed(new_sandbox(level="privileged"), "root-image")).strip() == '{"user": 0}'


def test_timeout_keeps_partial_output(sandbox):
    apply(sandbox, "timeout")
    final = sandbox.wait_for_end("timeout")
    assert phase_and_reason(final) == ("Failed", "Timeout")
    assert json.loads(output(final))["complete"] is False


def test_cancel_keeps_partial_output(sandbox):
    apply(sandbox, "cancel")
    sandbox.wait_for_running("cancel")
    sandbox.cancel("cancel")
    final = sandbox.wait_for_end("cancel")
    assert phase_and_reason(final) == ("Cancelled", "Cancelled")
    assert files(final) == ["ticks.txt"]


def test_time_to_live_can_be_shortened(sandbox):
    succeed(sandbox, "time-to-live")
    sandbox.cluster.patch(
        SERVICE_EXECUTIONS, sandbox.name, "time-to-live", {"spec": {"ttlSecondsAfterFinished": 0}}
    )
    sandbox.cluster.wait_until_gone(
        SERVICE_EXECUTIONS, sandbox.name, fields="metadata.name=time-to-live", seconds=60
    )


def test_queue_waits_for_kueue(sandbox):
    apply(sandbox, "queue")
    sandbox.wait_for_reason("Queued", "queue")
    job = sandbox.wait_for_job("queue")
    assert member(job, "spec", "suspend") is True
    assert member(job, "metadata", "labels", "kueue.x-k8s.io/queue-name") == "team-queue"


def test_no_sample_is_forgotten():
    tested = {*OUTPUTS, "sum-prepare", "sum", "input-json", "resources-and-env", "root-image", "timeout"}
    tested |= {"cancel", "time-to-live", "queue", "built-service", "data-pool-in-store"}
    assert {path.stem for path in (ROOT / "manifests" / "samples").glob("*.yaml")} == tested
