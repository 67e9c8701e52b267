"""The chart's admission policies on a real API server: what they say, what they let through, and what they cost.

Everything but the two fenced objects is a dry run, which passes admission like a real request.
"""

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import yaml

from serviceexecution.builds.names import build_labels
from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.resources.execution import ObjectMeta
from serviceexecution.resources.names import LABEL_REVISION
from tests.cluster.kubectl import kubectl, must
from tests.support.polling import poll_until
from tools import ROOT

pytestmark = pytest.mark.cluster

CONTROLLER = "system:serviceaccount:serviceexecution-system:serviceexecution-controller"
GATEWAY = "system:serviceaccount:serviceexecution-system:serviceexecution-gateway"
LABEL = "serviceexecution.dev/execution-uid"
JOB_CONTROLLER = "system:serviceaccount:kube-system:job-controller"


def execution(**spec: Any) -> JsonObject:
    return {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "metadata": {"generateName": "policy-", "namespace": "default"},
        "spec": {"runtime": {"docker": {"image": "image"}}, **spec},
    }


def submit(**spec: object) -> subprocess.CompletedProcess[str]:
    return kubectl("create", "--dry-run=server", "-f", "-", stdin=execution(**spec))


def pool(name: str) -> dict[str, object]:
    return {name: {"persistentVolumeClaim": {"claimName": "claim"}}}


SECRETS = "spec.secrets"
FILES = "spec.input has names that cannot become files: "
FOLDERS = "spec.dataPools has names that cannot become folders: "
OBJECT = "spec.inputJson must be the text of a JSON object"


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"input": {"$secrets": {"token": "x"}}}, SECRETS),
        ({"inputJson": '{"$secrets": {"token": "x"}}'}, SECRETS),
        ({"inputJson": '{"a": 1,\n\t"$secrets" : {}}'}, SECRETS),
        ({"input": {"": 1}}, FILES + '""'),
        ({"input": {"a/b": 1}}, FILES + '"a/b"'),
        ({"input": {".hidden": 1}}, FILES + '".hidden"'),
        ({"input": {"data.json": 1, "fine": 2}}, FILES + '"data.json". Each'),
        ({"dataPools": pool("../escape")}, FOLDERS + '"../escape"'),
        ({"dataPools": pool("a:b")}, FOLDERS + '"a:b"'),
        ({"inputJson": "[1]"}, OBJECT),
        ({"inputJson": "\ufeff{}"}, OBJECT),
        ({"inputJson": ""}, OBJECT),
    ],
)
def test_refused_with_a_sentence(spec, sentence):
    refused = submit(**spec)
    assert refused.returncode != 0
    assert sentence in refused.stderr


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"input": {}},
        {"input": {"größe": 1, "with space": None, "$tags": ["a"], "nested": {"a/b": {".c": 1}}}},
        {"inputJson": ' {"data": "a text about {\\"$secrets\\": 1}", "list": ["$secrets"]}'},
        {"inputFrom": {"configMapRef": {"name": "large-input"}}},
        {"input": {"a": 1}, "dataPools": pool("weights")},
    ],
)
def test_accepted(spec):
    accepted = submit(**spec)
    assert accepted.returncode == 0, accepted.stderr


KIB_256 = 256 * 1024


@pytest.mark.parametrize(
    "spec",
    [
        {"inputJson": '{"a":"' + "x" * (KIB_256 - 8) + '"}'},
        {"inputJson": "{" * KIB_256},
        {"inputJson": '{"a":1,' + " " * (KIB_256 - 7)},
        {"inputJson": " " * (KIB_256 - 2) + "{}"},
        {"input": {"a": "x" * 1_000_000}},
        {"input": {f"property{index}": 1 for index in range(10_000)}},
    ],
    ids=["text", "braces", "trailing space", "leading space", "large value", "many names"],
)
def test_large_inputs_stay_within_the_cost_limits(spec):
    begin = time.monotonic()
    accepted = submit(**spec)
    assert accepted.returncode == 0, accepted.stderr[:2000]
    assert time.monotonic() - begin < 10


def test_many_bad_names_are_refused_quickly():
    begin = time.monotonic()
    refused = submit(input={f"bad.{index}": 1 for index in range(5000)})
    assert "spec.input has names that cannot become files. Each" in refused.stderr
    assert time.monotonic() - begin < 10


def test_policies_fit_the_types_of_the_api_server():
    policies = json.loads(must("get", "validatingadmissionpolicies", "-o", "json"))["items"]
    ours = [policy for policy in policies if policy["metadata"]["name"].startswith("serviceexecution-")]
    installed = yaml.safe_load_all((ROOT / "manifests" / "install.yaml").read_text())
    wanted = {one["metadata"]["name"] for one in installed if one["kind"] == "ValidatingAdmissionPolicy"}
    of_helm_test = {"serviceexecution-test"}  # in no plain manifest
    assert {policy["metadata"]["name"] for policy in ours} | of_helm_test == wanted | of_helm_test
    for policy in ours:
        assert policy["status"]["observedGeneration"] == policy["metadata"]["generation"]
        assert not policy["status"].get("typeChecking", {}).get("expressionWarnings")


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


def test_the_controller_reads_the_level_of_pod_security_of_a_namespace(as_controller, fenced):
    done = as_controller("get", "namespace", fenced, "--output=name")
    assert done.stdout.strip() == f"namespace/{fenced}", done.stderr
    assert as_controller("auth", "can-i", "list", "namespaces").stdout.strip() == "no"
    assert as_controller("auth", "can-i", "patch", "namespaces").stdout.strip() == "no"


NOBODY = "system:serviceaccount:default:nobody-in-particular"
GATEWAY_PROXY = "/api/v1/namespaces/serviceexecution-system/services/http:serviceexecution-gateway:http/proxy"


def test_any_account_reaches_the_gateway_through_the_api_server(fenced):
    done = kubectl(f"--as={NOBODY}", "get", "--raw", f"{GATEWAY_PROXY}/readyz")
    assert done.returncode == 0, done.stderr
    log = f"{GATEWAY_PROXY}/api/v1/namespaces/{fenced}/executions/none/log"
    without_token = kubectl(f"--as={NOBODY}", "get", "--raw", log)
    assert "asked for the client to provide credentials" in without_token.stderr, (
        "the gateway asks for a token"
    )
    metrics = GATEWAY_PROXY.replace("gateway:http/", "metrics:http/")
    assert "forbidden" in kubectl(f"--as={NOBODY}", "get", "--raw", metrics).stderr


@pytest.mark.parametrize(
    ("role", "verb", "resource", "allowed"),
    [
        ("edit", "create", "servicedefinitions/source", True),
        ("edit", "get", "servicedefinitions/log", True),
        ("view", "get", "servicedefinitions/log", True),
        ("view", "create", "servicedefinitions/source", False),
        ("serviceexecution-develop", "create", "servicedefinitions/source", True),
        ("serviceexecution-develop", "create", "servicedefinitions", False),
        ("serviceexecution-submit", "create", "servicedefinitions/source", False),
        ("edit", "create", "servicedefinitions/run", True),
        ("edit", "update", "serviceexecutions/cancel", True),
        ("view", "create", "servicedefinitions/run", False),
        ("view", "update", "serviceexecutions/cancel", False),
        ("serviceexecution-submit", "create", "servicedefinitions/run", True),
        ("serviceexecution-submit", "update", "serviceexecutions/cancel", True),
        ("serviceexecution-submit", "create", "serviceexecutions", False),
        ("serviceexecution-submit", "patch", "serviceexecutions", False),
        ("serviceexecution-develop", "create", "serviceexecutions", False),
        ("serviceexecution-submit", "get", "servicedefinitions/log", False),
    ],
)
def test_who_may_upload_sources_and_read_logs_of_builds(fenced, role, verb, resource, allowed):
    name = f"x-{uuid.uuid4().hex[:8]}"
    account = f"--serviceaccount={fenced}:{name}"
    must("create", "rolebinding", name, f"--namespace={fenced}", f"--clusterrole={role}", account)
    plural, _, subresource = resource.partition("/")
    asked = (verb, f"{plural}.serviceexecution.dev", f"--subresource={subresource}")

    def may(*what: str) -> bool:
        who = f"--as=system:serviceaccount:{fenced}:{name}"
        return kubectl(who, f"--namespace={fenced}", "auth", "can-i", *what).stdout.strip() == "yes"

    right = ("get", "serviceexecutions.serviceexecution.dev")  # all roles of the table give it
    poll_until(lambda: may(*right), seconds=30, what="the binding counts")
    assert may(*asked) == allowed


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
    ("verb", "resource"),
    [
        ("get", "secrets"),
        ("list", "secrets"),
        ("create", "pods"),
        ("delete", "pods"),
        ("create", "pods/exec"),
        ("update", "jobs.batch"),
        ("update", "configmaps"),
        ("create", "serviceaccounts/token"),
        ("update", "serviceexecutions.serviceexecution.dev"),
        ("create", "servicedefinitions.serviceexecution.dev"),
    ],
)
def test_the_controller_has_no_such_right(as_controller, verb, resource):
    plural, _, subresource = resource.partition("/")  # for kubectl what follows a slash is a name
    asked = as_controller("auth", "can-i", verb, plural, f"--subresource={subresource}")
    assert asked.stdout.strip() == "no", asked.stderr


SERVICE: JsonObject = {"serviceRef": {"name": "any"}}


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"spec": {"cancel": True}}, True),
        ({"spec": {"tags": ["x"]}}, False),
        ({"spec": {"ttlSecondsAfterFinished": 1}}, False),
        ({"metadata": {"annotations": {"a": "b"}}}, False),
        ({"metadata": {"labels": {"a": "b"}}}, False),
    ],
)
def test_the_gateway_changes_nothing_of_an_execution_but_cancel(fenced, change, allowed):
    name = f"x-{uuid.uuid4().hex[:8]}"
    body = {**execution(), "metadata": {"name": name, "namespace": fenced}, "spec": SERVICE}
    must("create", "-f", "-", stdin=body)
    who = (f"--as={GATEWAY}", f"--namespace={fenced}")
    done = kubectl(
        *who, "patch", "sx", name, "--dry-run=server", "--type=merge", "--patch", json.dumps(change)
    )
    assert (done.returncode == 0) == allowed, done.stderr
    assert allowed or "nothing of an execution but spec.cancel" in done.stderr


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


@pytest.mark.parametrize(
    "path", sorted((ROOT / "manifests" / "samples").glob("*.yaml")), ids=lambda path: path.stem
)
def test_samples_are_accepted(path):
    for document in yaml.safe_load_all(path.read_text()):
        # Under names of their own, so that samples that somebody runs here are not in the way.
        document["metadata"]["name"] = f"dry-run-{uuid.uuid4().hex[:8]}"
        must("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=document)


def test_the_install_manifest_is_accepted():
    manifest = str(ROOT / "manifests" / "install.yaml")
    must(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", manifest
    )
