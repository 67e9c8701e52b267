"""M8, M9: the controller's account makes Jobs, and that is all that makes it strong: it reads no Secret, changes and
deletes nothing foreign, and has none of the gateway's rights. The last was not so on 9b98b50 in the default shape.
"""

import json
import uuid
from collections.abc import Iterator

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    JOBS,
    LEASES,
    PODS,
    SECRETS,
    SERVICE_DEFINITIONS,
    SERVICE_EXECUTIONS,
)
from tests.attacks.cluster.account import OPERATOR_NAMESPACE, Account, accepted, may, refusal
from tests.cluster.test_policies import kubectl, must

pytestmark = pytest.mark.cluster

CONTROLLER = "serviceexecution-controller"
UID = "serviceexecution.dev/execution-uid"
IMAGE = "docker.io/library/busybox:1.35.0"
CONTAINER: JsonObject = {"name": "main", "image": IMAGE}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    found = Account.of(CONTROLLER)
    yield found
    found.http.close()


@pytest.fixture(scope="module")
def tenant() -> Iterator[str]:
    """Return somebody's namespace with a pod, a Job, a Secret, a ConfigMap and an execution that is not ended."""
    name = f"attack-{uuid.uuid4().hex[:8]}"
    must("create", "namespace", name)
    gated: JsonObject = {"schedulingGates": [{"name": "test.example.com/never"}], "containers": [CONTAINER]}
    pod: JsonObject = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "theirs"}, "spec": gated}
    must("create", f"--namespace={name}", "-f", "-", stdin=pod)
    must(
        "create",
        f"--namespace={name}",
        "-f",
        "-",
        stdin={**job("theirs"), "kind": "Job", "apiVersion": "batch/v1"},
    )
    for kind in (("secret", "generic"), ("configmap",)):
        must("create", *kind, "theirs", f"--namespace={name}", "--from-literal=a=b")
    running: JsonObject = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "metadata": {"name": "theirs", "namespace": name},
        "spec": {"runtime": {"docker": {"image": IMAGE}}, "queueName": "nobody-admits"},
    }
    must("create", "-f", "-", stdin=running)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def job(name: str) -> JsonObject:
    pod: JsonObject = {"restartPolicy": "Never", "containers": [CONTAINER]}
    return {"metadata": {"name": name}, "spec": {"suspend": True, "template": {"spec": pod}}}


def test_what_it_makes_of_an_execution_is_let_through(account, tenant):
    labelled: JsonObject = {"name": "ours", "labels": {UID: str(uuid.uuid4())}}
    accepted(account.create(JOBS.path(tenant), {**job("ours"), "metadata": labelled}))
    accepted(account.create(CONFIG_MAPS.path(tenant), {"metadata": labelled, "data": {"a.json": "1"}}))
    status = SERVICE_EXECUTIONS.path(tenant, "theirs", "status")
    accepted(account.patch(status, {"status": {"message": "said by the controller"}}))
    lease = LEASES.path(OPERATOR_NAMESPACE, CONTROLLER)
    accepted(account.patch(lease, {"metadata": {"labels": {"tried": "1"}}}))


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (PODS, {"spec": {"activeDeadlineSeconds": 1}}),
        (PODS, {"metadata": {"labels": {UID: "taken"}}}),
        (PODS, {"metadata": {"annotations": {"a": "b"}}}),
        (PODS, {"spec": {"containers": [{"name": "main", "image": "evil"}]}}),
        (JOBS, {"spec": {"suspend": False}}),
        (CONFIG_MAPS, {"data": {"a": "c"}}),
        (SECRETS, {"data": {"a": "eA=="}}),
        (SERVICE_EXECUTIONS, {"spec": {"cancel": True}}),
        (SERVICE_EXECUTIONS, {"metadata": {"labels": {"a": "b"}}}),
    ],
    ids=lambda value: json.dumps(value)[:50] if isinstance(value, dict) else value.plural,
)
def test_it_changes_nothing_foreign(account, tenant, path, change):
    refusal(account.patch(path.path(tenant, "theirs"), change))


@pytest.mark.parametrize("kind", [PODS, JOBS, CONFIG_MAPS, SECRETS], ids=lambda kind: kind.plural)
def test_it_deletes_nothing_foreign(account, tenant, kind):
    refusal(account.delete(kind.path(tenant, "theirs")))
    answer = account.http.delete(kind.path(tenant), params={"dryRun": "All"})
    assert answer.status_code == 403, answer.text


def test_it_reads_no_secret(account, tenant):
    assert "cannot get" in refusal(account.get(SECRETS.path(tenant, "theirs")))
    assert "cannot list" in refusal(account.get(SECRETS.path(tenant)))
    assert "cannot list" in refusal(account.get(SECRETS.path(None)))


def test_it_makes_no_pod_and_no_execution(account, tenant):
    pod: JsonObject = {"metadata": {"name": "p"}, "spec": {"containers": [CONTAINER]}}
    assert 'cannot create resource "pods"' in refusal(account.create(PODS.path(tenant), pod))
    spec: JsonObject = {"metadata": {"name": "x"}, "spec": {"runtime": {"docker": {"image": IMAGE}}}}
    refusal(account.create(SERVICE_EXECUTIONS.path(tenant), spec))
    refusal(account.create(SERVICE_DEFINITIONS.path(tenant), spec))


def test_leases_of_others_are_left_alone(account):
    assert "cannot patch" in refusal(
        account.patch(LEASES.path("kube-system", "kube-scheduler"), {"spec": {}})
    )
    refusal(account.get(LEASES.path(OPERATOR_NAMESPACE, "another")))


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("create", "pods"),
        ("delete", "pods"),
        ("create", "pods/exec"),
        ("get", "secrets"),
        ("list", "secrets"),
        ("create", "secrets"),
        ("deletecollection", "secrets"),
        ("deletecollection", "serviceexecutions.serviceexecution.dev"),
        ("deletecollection", "jobs.batch"),
        ("create", "serviceexecutions.serviceexecution.dev"),
        ("patch", "serviceexecutions.serviceexecution.dev"),
        ("create", "servicedefinitions.serviceexecution.dev"),
        ("delete", "configmaps"),
        ("list", "configmaps"),
        ("patch", "configmaps"),
        ("create", "serviceaccounts/token"),
        ("create", "tokenreviews.authentication.k8s.io"),
        ("create", "subjectaccessreviews.authorization.k8s.io"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
        ("bind", "clusterroles.rbac.authorization.k8s.io"),
        ("escalate", "clusterroles.rbac.authorization.k8s.io"),
        ("impersonate", "serviceaccounts"),
        ("list", "namespaces"),
        ("get", "nodes"),
    ],
)
def test_it_has_no_such_right(verb, resource):
    assert not may(CONTROLLER, verb, resource)
    assert not may(CONTROLLER, verb, resource, OPERATOR_NAMESPACE)
