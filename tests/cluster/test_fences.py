"""The fences around the controller: it touches what is of its own runs and nothing else.

Everything but the fenced objects is a dry run, which passes admission like a real request.
"""

import json
import uuid

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.names import LABEL_REVISION
from tests.cluster.fenced import LABEL, as_controller, fenced, patch, pod_of
from tests.cluster.kubectl import kubectl, must

__all__ = ["as_controller", "fenced"]

pytestmark = pytest.mark.cluster

JOB_CONTROLLER = "system:serviceaccount:kube-system:job-controller"


@pytest.mark.parametrize("pod", ["ours", "build"])
def test_the_controller_may_set_the_deadline_of_its_pods(fenced, pod):
    done = patch(fenced, pod, {"spec": {"activeDeadlineSeconds": 1}})
    assert done.returncode == 0, done.stderr


def test_pods_of_others_are_fenced_off(fenced):
    refused = patch(fenced, "theirs", {"spec": {"activeDeadlineSeconds": 1}})
    assert f"pods of executions and builds only; this pod has no label {LABEL}" in refused.stderr


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"labels": {"more": "labels"}}},
        {"metadata": {"labels": {LABEL: None}}},
        {"metadata": {"annotations": {"a": "b"}}},
        {"metadata": {"finalizers": ["example.com/stay"]}},
        {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}]}},
        {"spec": {"containers": [{"name": "main", "image": "evil"}]}},
        {"spec": {"tolerations": [{"key": "more", "operator": "Exists"}]}},
        {"spec": {"schedulingGates": None}},
        {"spec": {"nodeSelector": {"kubernetes.io/os": "linux"}}},
        {"spec": {"activeDeadlineSeconds": 1}, "metadata": {"labels": {"more": "labels"}}},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_nothing_else_of_a_pod_may_change(fenced, change):
    refused = patch(fenced, "ours", change)
    assert refused.returncode != 0
    # one policy of several that refuse it is named: label and owners are nobody's to change
    sentences = (
        "The controller may change nothing of a pod but spec.activeDeadlineSeconds",
        "which Kubernetes makes for their Jobs",
        "leave metadata.ownerReferences as it is",
    )
    assert any(sentence in refused.stderr for sentence in sentences), refused.stderr


@pytest.mark.parametrize("value", ["r1", "r2", ""])
def test_nobody_makes_a_pod_that_looks_like_a_build_s(fenced, value):
    container: JsonObject = {"name": "main", "image": "docker.io/library/busybox:1.35.0"}
    metadata: JsonObject = {"name": "twin", "namespace": fenced, "labels": {LABEL_REVISION: value}}
    pod: JsonObject = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container]},
    }
    refused = kubectl("create", "--dry-run=server", "-f", "-", stdin=pod)
    assert "is for pods of builds, which Kubernetes makes for their Jobs; leave it out" in refused.stderr
    done = kubectl(f"--as={JOB_CONTROLLER}", "create", "--dry-run=server", "-f", "-", stdin=pod)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("pod", "labels", "allowed"),
    [
        ("theirs", {LABEL_REVISION: "r1"}, False),
        ("build", {LABEL_REVISION: "r2"}, False),
        ("build", {LABEL_REVISION: None}, False),
        ("build", {"more": "other"}, True),
        ("theirs", {"app": None}, True),
    ],
)
def test_nobody_makes_a_pod_one_of_a_build(fenced, pod, labels, allowed):
    change = json.dumps({"metadata": {"labels": labels}})
    arguments = (
        "patch",
        "pod",
        pod_of(fenced, pod),
        f"--namespace={fenced}",
        "--dry-run=server",
        "--type=merge",
        "--patch",
        change,
    )
    done = kubectl(*arguments)
    assert (done.returncode == 0) == allowed, done.stderr
    assert allowed or LABEL_REVISION in done.stderr


@pytest.mark.parametrize("job", ["ours", "build"])
def test_the_controller_may_delete_its_jobs(as_controller, job):
    done = as_controller("delete", "job", job, "--dry-run=server")
    assert done.returncode == 0, done.stderr


def test_jobs_of_others_may_not_be_deleted(as_controller):
    refused = as_controller("delete", "job", "theirs", "--dry-run=server")
    assert "may delete Jobs of executions and builds only" in refused.stderr


def test_the_fence_holds_nobody_else(fenced):
    must(
        "patch",
        "pod",
        "theirs",
        f"--namespace={fenced}",
        "--type=strategic",
        "--patch",
        '{"metadata": {"labels": {"a": "b"}}}',
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, ""),
        ({"labels": {"serviceexecution.dev/submission": "NAME"}}, "end with a run only"),
        ({"labels": {"serviceexecution.dev/lifetime": "run"}}, "Secrets of submissions only"),
        ({"ownerReferences": []}, "Secrets of submissions only"),
    ],
    ids=["of a run", "that stays", "under another name", "without its ConfigMap"],
)
def test_the_controller_deletes_secrets_of_runs_alone(fenced, as_controller, change, sentence):
    name = f"x-{uuid.uuid4().hex[:8]}"
    must("create", "configmap", name, f"--namespace={fenced}")
    uid = must("get", "configmap", name, f"--namespace={fenced}", "--output=jsonpath={.metadata.uid}")
    owner: JsonObject = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid}
    labels: JsonObject = {"serviceexecution.dev/lifetime": "run", "serviceexecution.dev/submission": name}
    changed = json.loads(json.dumps(change).replace("NAME", name))
    metadata: JsonObject = {"labels": labels, "ownerReferences": [owner], **changed}
    body: JsonObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {**metadata, "name": name, "namespace": fenced},
    }
    must("create", "-f", "-", stdin=body)
    done = as_controller("delete", "secret", name, "--dry-run=server", "--wait=false")
    assert (done.returncode == 0) == (not sentence), done.stderr
    assert sentence in done.stderr
