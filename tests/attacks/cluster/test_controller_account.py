"""M8, M9: the controller's account makes Jobs, and that is all that makes it strong: it reads no Secret, changes and
deletes nothing foreign, and has none of the gateway's rights. The last was not so on 9b98b50 in the default shape.
"""

import copy
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    EVENTS,
    JOBS,
    LEASES,
    PODS,
    SECRETS,
    SERVICE_DEFINITIONS,
    SERVICE_EXECUTIONS,
)
from tests.attacks.cluster.account import (
    OPERATOR_NAMESPACE,
    Account,
    accepted,
    make_foreign_objects,
    may,
    refusal,
    tenant_namespace,
)
from tests.cluster.kubectl import must

pytestmark = pytest.mark.cluster

CONTROLLER = "serviceexecution-controller"
UID = "serviceexecution.dev/execution-uid"
IMAGE = "docker.io/library/busybox:1.35.0"
CONTAINER: JsonObject = {"name": "main", "image": IMAGE}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account.of(CONTROLLER) as found:
        yield found


@pytest.fixture(scope="module")
def tenant() -> Iterator[str]:
    """Return somebody's namespace with a pod, a Job, a Secret, a ConfigMap and an execution that is not ended."""
    with tenant_namespace() as name:
        gated: JsonObject = {
            "schedulingGates": [{"name": "test.example.com/never"}],
            "containers": [CONTAINER],
        }
        pod: JsonObject = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "theirs"}, "spec": gated}
        must("create", f"--namespace={name}", "-f", "-", stdin=pod)
        must(
            "create",
            f"--namespace={name}",
            "-f",
            "-",
            stdin={**job("theirs"), "kind": "Job", "apiVersion": "batch/v1"},
        )
        make_foreign_objects(name)
        running: JsonObject = {
            "apiVersion": "serviceexecution.dev/v1alpha1",
            "kind": "ServiceExecution",
            "metadata": {"name": "theirs", "namespace": name},
            "spec": {"runtime": {"docker": {"image": IMAGE}}, "queueName": "nobody-admits"},
        }
        must("create", "-f", "-", stdin=running)
        yield name


def job(name: str) -> JsonObject:
    pod: JsonObject = {"restartPolicy": "Never", "containers": [CONTAINER]}
    return {"metadata": {"name": name}, "spec": {"suspend": True, "template": {"spec": pod}}}


def owner(tenant: str) -> JsonObject:
    """Return the owner reference of what belongs to the tenant's execution."""
    uid = must("get", "sx", "theirs", f"--namespace={tenant}", "--output=jsonpath={.metadata.uid}")
    kind: JsonObject = {"apiVersion": "serviceexecution.dev/v1alpha1", "kind": "ServiceExecution"}
    return {**kind, "name": "theirs", "uid": uid, "controller": True}


def run_job(tenant: str) -> Any:
    """Return a Job as the controller makes it."""
    reference = owner(tenant)
    labels: JsonObject = {UID: reference["uid"]}
    pod: JsonObject = {"restartPolicy": "Never", "containers": [CONTAINER]}
    return {
        "metadata": {"name": "ours", "labels": labels, "ownerReferences": [reference]},
        "spec": {"backoffLimit": 0, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def run_input(tenant: str) -> Any:
    """Return an input's ConfigMap as the controller makes it."""
    metadata = {**run_job(tenant)["metadata"], "name": "ours-input"}
    return {"metadata": metadata, "immutable": True, "data": {"a.json": "1"}}


JOB_CHANGES: dict[str, Callable[[Any], object]] = {
    "no label": lambda job: job["metadata"].update(labels={"a": "b"}),
    "no owner": lambda job: job["metadata"].pop("ownerReferences"),
    "an owner that only keeps it": lambda job: job["metadata"]["ownerReferences"][0].update(controller=False),
    "another kind of owner": lambda job: job["metadata"]["ownerReferences"][0].update(
        apiVersion="v1", kind="ConfigMap"
    ),
    "a label that names another": lambda job: job["metadata"]["labels"].update({UID: str(uuid.uuid4())}),
    "two owners": lambda job: job["metadata"]["ownerReferences"].append(
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": "u"}
    ),
    "a second try": lambda job: job["spec"].update(backoffLimit=1),
    "two runs": lambda job: job["spec"].update(completions=2),
    "two at once": lambda job: job["spec"].update(parallelism=2),
    "a program that starts again": lambda job: job["spec"]["template"]["spec"].update(
        restartPolicy="OnFailure"
    ),
    "an unlabelled pod": lambda job: job["spec"]["template"].pop("metadata"),
}
INPUT_CHANGES: dict[str, Callable[[Any], object]] = {
    **{name: change for name, change in JOB_CHANGES.items() if "spec" not in name and "owner" in name},
    "no label": JOB_CHANGES["no label"],
    "one that may change": lambda body: body.pop("immutable"),
    "another name": lambda body: body["metadata"].update(name="settings"),
    "binary data": lambda body: body.update(binaryData={"a": "AA=="}),
}


@pytest.mark.parametrize("change", list(JOB_CHANGES))
def test_the_controller_s_account_makes_no_other_job(account, tenant, change):
    body = copy.deepcopy(run_job(tenant))
    JOB_CHANGES[change](body)
    assert "The controller may make" in refusal(account.create(JOBS.path(tenant), body))


@pytest.mark.parametrize("change", list(INPUT_CHANGES))
def test_the_controller_s_account_makes_no_other_config_map(account, tenant, change):
    body = copy.deepcopy(run_input(tenant))
    INPUT_CHANGES[change](body)
    assert "The controller may make inputs" in refusal(account.create(CONFIG_MAPS.path(tenant), body))


ENDED = {"phase": "Succeeded", "completionTime": "2026-03-01T12:00:00Z"}
TTL = {"ttlSecondsAfterFinished": 90_000_000}


@pytest.mark.parametrize(
    ("status", "spec", "allowed"),
    [
        (
            ENDED,
            TTL,
            True,
        ),
        (ENDED, {}, False),
        ({"phase": "Running"}, TTL, False),
        ({"phase": "Failed"}, TTL, False),
    ],
    ids=["its time to live is set", "it stays", "it runs", "without an end"],
)
def test_the_controller_s_account_deletes_an_execution_only_at_the_end_of_its_time(
    account, tenant, status, spec, allowed
):
    name = f"x-{uuid.uuid4().hex[:8]}"
    body: JsonObject = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "metadata": {"name": name, "namespace": tenant},
        "spec": {"serviceRef": {"name": "none"}, **spec},  # The operator waits a minute for such a service
    }
    must("create", "-f", "-", stdin=body)
    where = (name, f"--namespace={tenant}", "--type=merge", "--patch")
    must("patch", "sx", *where, json.dumps({"status": status}), "--subresource=status")
    answer = account.delete(SERVICE_EXECUTIONS.path(tenant, name))
    if allowed:
        accepted(answer)
    else:
        assert "that have ended and have ttlSecondsAfterFinished" in refusal(answer)


@pytest.mark.parametrize(
    ("about", "allowed"),
    [
        ({"apiVersion": "serviceexecution.dev/v1alpha1", "kind": "ServiceExecution", "name": "a"}, True),
        ({"apiVersion": "v1", "kind": "Pod", "name": "a"}, False),
        ({"kind": "Secret", "name": "a"}, False),
    ],
)
def test_the_controller_s_account_posts_events_only_about_ours(account, tenant, about, allowed):
    event: JsonObject = {
        "metadata": {"name": f"e-{uuid.uuid4().hex[:8]}", "namespace": tenant},
        "involvedObject": {**about, "namespace": tenant},
        "type": "Normal",
        "reason": "Tried",
    }
    answer = account.create(EVENTS.path(tenant), event)
    if allowed:
        accepted(answer)
    else:
        assert "Events about executions and services only" in refusal(answer)


def test_what_it_makes_of_an_execution_is_let_through(account, tenant):
    accepted(account.create(JOBS.path(tenant), run_job(tenant)))
    accepted(account.create(CONFIG_MAPS.path(tenant), run_input(tenant)))
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
def test_the_controller_s_account_changes_nothing_foreign(account, tenant, path, change):
    refusal(account.patch(path.path(tenant, "theirs"), change))


@pytest.mark.parametrize("kind", [PODS, JOBS, CONFIG_MAPS, SECRETS], ids=lambda kind: kind.plural)
def test_the_controller_s_account_deletes_nothing_foreign(account, tenant, kind):
    refusal(account.delete(kind.path(tenant, "theirs")))
    answer = account.http.delete(kind.path(tenant), params={"dryRun": "All"})
    assert answer.status_code == 403, answer.text


def test_the_controller_s_account_reads_no_secret(account, tenant):
    assert "cannot get" in refusal(account.get(SECRETS.path(tenant, "theirs")))
    assert "cannot list" in refusal(account.get(SECRETS.path(tenant)))
    assert "cannot list" in refusal(account.get(SECRETS.path(None)))


def test_the_controller_s_account_makes_no_pod_and_no_execution(account, tenant):
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
def test_the_controller_s_account_has_no_right_of_the_gateway(verb, resource):
    assert not may(CONTROLLER, verb, resource)
    assert not may(CONTROLLER, verb, resource, OPERATOR_NAMESPACE)
