"""Pods that serve volumes: who has rights in one namespace makes none of them, and who takes over the controller or the
gateway makes and says no more than these do.
"""

import json
import uuid
from collections.abc import Iterator

import pytest

from serviceexecution.contract.json_types import JsonObject, object_at
from serviceexecution.controller.data_pools.volume_job import volume_job
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.kube.kinds import DATA_POOLS, JOBS
from serviceexecution.resources.pools.pool import Pool
from tests.attacks.cluster.account import Account, accepted, merged, refusal, tenant_namespace
from tests.cluster.kubectl import kubectl, must

pytestmark = pytest.mark.cluster

LABEL = "serviceexecution.dev/data-pool-uid"
ACCESS = {"wantedAt": "2026-11-28T12:00:00Z", "job": "job", "jobUid": "uid", "address": "10.1.2.3"}


@pytest.fixture(scope="module")
def controller() -> Iterator[Account]:
    with Account.of("serviceexecution-controller") as found:
        yield found


@pytest.fixture(scope="module")
def gateway() -> Iterator[Account]:
    with Account.of("serviceexecution-gateway") as found:
        yield found


@pytest.fixture(scope="module")
def tenant() -> Iterator[str]:
    """Return somebody's namespace with a data pool on a claim that does not exist, whose pod is known."""
    with tenant_namespace() as name:
        body: JsonObject = {
            "apiVersion": "serviceexecution.dev/v1alpha1",
            "kind": "DataPool",
            "metadata": {"name": "models", "namespace": name},
            "spec": {"storage": {"type": "Claim", "claim": {"existing": "models"}}},
        }
        must("create", "-f", "-", stdin=body)
        status = json.dumps({"status": {"access": ACCESS}})
        must(
            *("patch", "datapool", "models", f"--namespace={name}", "--subresource=status", "--type=merge"),
            *("--patch", status),
        )
        yield name


def job(namespace: str) -> JsonObject:
    """Return the Job as the controller makes it."""
    found = must("get", "datapool", "models", f"--namespace={namespace}", "--output=json")
    defaults = PodDefaults("registry/collector:1", "http://gateway")
    return volume_job(Pool.model_validate_json(found), "models", "datapool-models-1", "0" * 64, defaults)


def edit(namespace: str) -> str:
    """Return who has `edit` in the namespace, and nothing else."""
    account = f"{namespace}:mallory-{uuid.uuid4().hex[:8]}"
    name = account.partition(":")[2]
    must(
        *("create", "rolebinding", name, f"--namespace={namespace}", "--clusterrole=edit"),
        f"--serviceaccount={account}",
    )
    return f"--as=system:serviceaccount:{account}"


def test_the_controller_makes_and_deletes_it(controller: Account, tenant: str) -> None:
    accepted(controller.create(JOBS.path(tenant), job(tenant)))
    by_controller = "--as=system:serviceaccount:serviceexecution-system:serviceexecution-controller"
    must(by_controller, "create", "-f", "-", stdin=job(tenant))
    accepted(controller.delete(JOBS.path(tenant, "datapool-models-1")))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"metadata": {"labels": {LABEL: "another"}}}, "executions, builds and data pools only"),
        ({"metadata": {"labels": {LABEL: None}}}, "executions, builds and data pools only"),
        ({"metadata": {"ownerReferences": None}}, "executions, builds and data pools only"),
        (
            {"spec": {"template": {"metadata": {"labels": {LABEL: "another"}}}}},
            "the Job's own label on its pod",
        ),
        ({"spec": {"backoffLimit": 5}}, "whose program runs once"),
        (
            {"spec": {"template": {"spec": {"automountServiceAccountToken": True}}}},
            "one container, one claim and no token",
        ),
        ({"spec": {"template": {"spec": {"hostNetwork": True}}}}, "one container, one claim and no token"),
        (
            {"spec": {"template": {"spec": {"volumes": [{"name": "volume", "hostPath": {"path": "/"}}]}}}},
            "one container, one claim and no token",
        ),
    ],
    ids=lambda value: json.dumps(value)[:70] if isinstance(value, dict) else "",
)
def test_the_controller_makes_no_other_one(
    controller: Account, tenant: str, change: JsonObject, sentence: str
) -> None:
    assert sentence in refusal(controller.create(JOBS.path(tenant), merged(job(tenant), change)))


def test_an_editor_makes_no_job_and_no_pod_that_looks_like_it(tenant: str) -> None:
    mallory = edit(tenant)
    refused = kubectl(mallory, "create", "--dry-run=server", "-f", "-", stdin=job(tenant))
    assert f"The label {LABEL} is for jobs of data pools, which the controller makes" in refused.stderr
    template = object_at(job(tenant), "spec", "template")
    metadata: JsonObject = {**object_at(template, "metadata"), "name": "twin", "namespace": tenant}
    pod: JsonObject = {**template, "apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    refused = kubectl(mallory, "create", "--dry-run=server", "-f", "-", stdin=pod)
    assert f"The label {LABEL} is for pods of data pools" in refused.stderr


def test_an_editor_says_no_address(tenant: str) -> None:
    patch = json.dumps({"status": {"access": {"address": "10.6.6.6"}}})
    refused = kubectl(
        *(edit(tenant), "patch", "datapool", "models", f"--namespace={tenant}", "--subresource=status"),
        *("--type=merge", "--patch", patch),
    )
    assert "cannot patch resource" in refused.stderr


def test_the_gateway_says_when_files_are_wanted(gateway: Account, tenant: str) -> None:
    path = DATA_POOLS.path(tenant, "models", "status")
    accepted(gateway.patch(path, {"status": {"access": {"wantedAt": "2026-11-28T13:00:00Z"}}}))


@pytest.mark.parametrize("member", ["job", "jobUid", "address"])
@pytest.mark.parametrize("value", ["10.6.6.6", None])
def test_the_gateway_says_nothing_else_of_the_pod(
    gateway: Account, tenant: str, member: str, value: str | None
) -> None:
    path = DATA_POOLS.path(tenant, "models", "status")
    answer = gateway.patch(path, {"status": {"access": {member: value}}})
    assert "may change nothing of a data pool's status" in refusal(answer)
