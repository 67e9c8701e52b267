"""Controller 19, H3, M10: who has `edit` in a namespace makes no Job and no pod that passes for a run's or a build's.

Fails on 9b98b50: Jobs and pods with a run's label and owner could be made by anybody, and an owner could be added to a
pod that Kubernetes itself had made with a build's label.
"""

import json
import subprocess
import uuid

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.names import LABEL_REVISION
from tests.cluster.fenced import CONTAINER, CONTROLLER, LABEL, fenced, owned_job, pod_of
from tests.cluster.kubectl import kubectl, must

__all__ = ["fenced"]

pytestmark = pytest.mark.cluster

Done = subprocess.CompletedProcess[str]
GARBAGE_COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"


@pytest.fixture(scope="module")
def mallory(fenced) -> str:
    """Return who has `edit` in the namespace, and nothing else."""
    name = f"mallory-{uuid.uuid4().hex[:8]}"
    account = f"{fenced}:{name}"
    must(
        "create",
        "rolebinding",
        name,
        f"--namespace={fenced}",
        "--clusterrole=edit",
        f"--serviceaccount={account}",
    )
    return f"--as=system:serviceaccount:{account}"


def reference(namespace: str, kind: str, name: str) -> JsonObject:
    found = json.loads(must("get", kind, name, f"--namespace={namespace}", "--output=json"))
    return {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "name": name,
        "uid": found["metadata"]["uid"],
        "controller": True,
    }


def test_no_job_with_a_run_s_label(fenced, mallory):
    owner = reference(fenced, "serviceexecution", "owner")
    body = owned_job(fenced, "first", owner, {LABEL: owner["uid"]})
    refused = kubectl(mallory, "create", "--dry-run=server", "-f", "-", stdin=body)
    assert f"The label {LABEL} is for jobs of executions, which the controller makes" in refused.stderr
    accepted = kubectl(f"--as={CONTROLLER}", "create", "--dry-run=server", "-f", "-", stdin=body)
    assert accepted.returncode == 0, accepted.stderr


@pytest.mark.parametrize("labels", [{LABEL: "taken"}, {LABEL_REVISION: "r1"}], ids=["a run's", "a build's"])
def test_no_pod_with_such_a_label(fenced, mallory, labels):
    owner = reference(fenced, "job", "ours")
    body: JsonObject = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "twin", "namespace": fenced, "labels": labels, "ownerReferences": [owner]},
        "spec": {"containers": [CONTAINER]},
    }
    refused = kubectl(mallory, "create", "--dry-run=server", "-f", "-", stdin=body)
    assert "which Kubernetes makes for their Jobs; leave it out" in refused.stderr


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("job", "theirs", {"labels": {LABEL: "taken"}}),
        ("job", "ours", {"labels": {LABEL: "another"}}),
        ("job", "ours", {"labels": {LABEL: None}}),
        ("pod", "theirs", {"labels": {LABEL: "taken"}}),
        ("pod", "ours", {"labels": {LABEL: None}}),
        ("pod", "build", {"labels": {LABEL: None}}),
    ],
    ids=str,
)
def test_no_label_is_given_or_taken_afterwards(fenced, mallory, kind, name, change):
    done = change_of(fenced, mallory, kind, name, change)
    assert f"The label {LABEL} is for {kind}s of executions" in done.stderr


@pytest.mark.parametrize(("kind", "name"), [("pod", "ours"), ("pod", "build"), ("job", "ours")])
def test_no_owner_is_added_or_changed(fenced, mallory, kind, name):
    added = reference(fenced, "job", "theirs")
    before = json.loads(
        must("get", kind, pod_or(fenced, kind, name), f"--namespace={fenced}", "--output=json")
    )
    (present,) = before["metadata"]["ownerReferences"]
    for owners in (
        [added],
        [present, {**added, "controller": False}],
        [{**present, "uid": added["uid"]}],
        [{**present, "controller": False}],
        [{**present, "kind": "CronJob"}],
    ):
        done = change_of(fenced, mallory, kind, name, {"ownerReferences": owners})
        assert "leave metadata.ownerReferences as it is" in done.stderr


@pytest.mark.parametrize(("kind", "name"), [("pod", "ours"), ("pod", "build"), ("job", "ours")])
def test_the_garbage_collector_does_its_work(fenced, kind, name):
    before = json.loads(
        must("get", kind, pod_or(fenced, kind, name), f"--namespace={fenced}", "--output=json")
    )
    (present,) = before["metadata"]["ownerReferences"]
    for owners in ([{**present, "blockOwnerDeletion": False}], []):
        done = change_of(fenced, f"--as={GARBAGE_COLLECTOR}", kind, name, {"ownerReferences": owners})
        assert done.returncode == 0, done.stderr


def test_other_changes_are_everybodys(fenced, mallory):
    for kind, name in (("pod", "ours"), ("pod", "build"), ("job", "ours"), ("job", "theirs")):
        done = change_of(fenced, mallory, kind, name, {"annotations": {"a": "b"}})
        assert done.returncode == 0, done.stderr


def pod_or(namespace: str, kind: str, name: str) -> str:
    return pod_of(namespace, name) if kind == "pod" else name


def change_of(namespace: str, who: str, kind: str, name: str, metadata: object) -> Done:
    return kubectl(
        *(who, f"--namespace={namespace}", "patch", kind, pod_or(namespace, kind, name), "--dry-run=server"),
        *("--type=merge", "--patch", json.dumps({"metadata": metadata})),
    )
