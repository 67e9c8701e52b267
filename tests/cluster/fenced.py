"""A namespace behind the fences of the policies, and what the operator makes in it."""

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from serviceexecution.builds.names import build_labels
from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.resources.executions.execution import ObjectMeta
from tests.cluster.kubectl import kubectl, must
from tests.support.polling import poll_until

CONTROLLER = "system:serviceaccount:serviceexecution-system:serviceexecution-controller"
LABEL = "serviceexecution.dev/execution-uid"


def execution(**spec: Any) -> JsonObject:
    return {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "metadata": {"generateName": "policy-", "namespace": "default"},
        "spec": {"runtime": {"docker": {"image": "image"}}, **spec},
    }


CONTAINER: JsonObject = {"name": "main", "image": "docker.io/library/busybox:1.35.0"}


@pytest.fixture(scope="module")
def fenced() -> Iterator[str]:
    """A namespace with a Job and its pod of an execution ("ours"), of a build, and of somebody else ("theirs")."""
    namespace = f"policies-{uuid.uuid4().hex[:8]}"
    must("create", "namespace", namespace)
    run, service = owner_in(namespace, "ServiceExecution"), owner_in(namespace, "ServiceDefinition")
    built = ObjectMeta(
        namespace=namespace, name="owner", uid=str(service["uid"]), creation_timestamp=datetime.now(UTC)
    )
    for name, owner, labels in (
        ("ours", run, {LABEL: run["uid"], "app.kubernetes.io/managed-by": "serviceexecution"}),
        ("build", service, build_labels(built, "r1", 1)),
    ):
        body = owned_job(namespace, name, owner, dict[str, JsonValue](labels))
        must(f"--as={CONTROLLER}", "create", "-f", "-", stdin=body)
        poll_until(partial(has_pod, namespace, name), seconds=60, what="Kubernetes makes the pod")
    metadata: JsonObject = {"name": "theirs", "namespace": namespace, "labels": {"app": "other"}}
    gated: JsonObject = {"schedulingGates": [{"name": "test.example.com/never"}], "containers": [CONTAINER]}
    template: JsonObject = {"spec": {"restartPolicy": "Never", "containers": [CONTAINER]}}
    parts: tuple[tuple[str, str, JsonObject], ...] = (
        ("Pod", "v1", gated),
        ("Job", "batch/v1", {"suspend": True, "template": template}),
    )
    for kind, version, spec in parts:
        must(
            *("create", "-f", "-"),
            stdin={"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec},
        )
    yield namespace
    for kind in ("serviceexecution", "servicedefinition"):
        kubectl(
            *("patch", kind, "owner", f"--namespace={namespace}", "--type=merge"),
            *("--patch", '{"metadata": {"finalizers": null}}'),
        )
    kubectl("delete", "namespace", namespace, "--wait=false")


def owner_in(namespace: str, kind: str) -> JsonObject:
    """Make an execution or a service that is being deleted, which the operator leaves alone; return its reference."""
    metadata: JsonObject = {"name": "owner", "namespace": namespace, "finalizers": ["test.example.com/stay"]}
    image: JsonObject = {"runtime": {"docker": {"image": "a"}}}
    body: JsonObject = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": kind,
        "metadata": metadata,
        "spec": {"serviceRef": {"name": "none"}} if kind == "ServiceExecution" else image,
    }
    must("create", "-f", "-", stdin=body)
    uid = must("get", kind.lower(), "owner", f"--namespace={namespace}", "--output=jsonpath={.metadata.uid}")
    must("delete", kind.lower(), "owner", f"--namespace={namespace}", "--wait=false")
    return {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": kind,
        "name": "owner",
        "uid": uid,
        "controller": True,
    }


def owned_job(
    namespace: str, name: str, owner: JsonObject, labels: JsonObject, **spec: JsonValue
) -> JsonObject:
    """Return a Job as the controller makes them, whose pod never starts."""
    pod: JsonObject = {
        "restartPolicy": "Never",
        "containers": [CONTAINER],
        "schedulingGates": [{"name": "test.example.com/never"}],
    }
    template: JsonObject = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "ownerReferences": [owner]},
        "spec": {"backoffLimit": 0, "completions": 1, "template": template, **spec},
    }


def has_pod(namespace: str, job: str) -> bool:
    return pod_of(namespace, job) != job


def pod_of(namespace: str, name: str) -> str:
    """Return the name of the pod of the Job with that name, else the name itself."""
    found = must(
        *("get", "pods", f"--namespace={namespace}", f"--selector=batch.kubernetes.io/job-name={name}"),
        "--output=jsonpath={.items[*].metadata.name}",
    )
    return found.split()[0] if found.split() else name


@pytest.fixture
def as_controller(fenced) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return kubectl(f"--as={CONTROLLER}", f"--namespace={fenced}", *arguments)

    return run


def patch(namespace: str, pod: str, change: JsonObject) -> subprocess.CompletedProcess[str]:
    """Try to change a pod as the controller."""
    return kubectl(
        *(f"--as={CONTROLLER}", f"--namespace={namespace}", "patch", "pod", pod_of(namespace, pod)),
        *("--dry-run=server", "--type=strategic", "--patch", json.dumps(change)),
    )
