"""The account of ``helm test`` stays in the operator's own namespace. On 9b98b50 it could run any image there with the
controller's ServiceAccount.
"""

import json
from collections.abc import Iterator

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from tests.attacks.cluster.account import OPERATOR_NAMESPACE, Account, accepted, refusal
from tests.cluster.kubectl import must

pytestmark = pytest.mark.cluster

NAME = "serviceexecution-test"
PLACE = SERVICE_EXECUTIONS.path(OPERATOR_NAMESPACE)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    if NAME not in must("get", "serviceaccounts", f"--namespace={OPERATOR_NAMESPACE}", "--output=name"):
        pytest.skip("the operator was installed without the objects of helm test")
    with Account.of(NAME) as found:
        yield found


def execution(*, image: str, name: str = "helm-test-", **spec: object) -> JsonObject:
    manifest = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "metadata": {"generateName": name},
        "spec": {
            "runtime": {"docker": {"image": image, "command": ["python3", "-c", "pass"]}},
            "input": {"values": [1]},
            "imagePullSecrets": [],
            "resources": {"limits": {"cpu": "1", "memory": "128Mi"}},
            **spec,
        },
    }
    found: JsonObject = json.loads(json.dumps(manifest))
    return found


@pytest.fixture(scope="module")
def image() -> str:
    deployment = f"--namespace={OPERATOR_NAMESPACE}"
    path = "-o=jsonpath={.spec.template.spec.containers[0].image}"
    return must("get", "deployment", "serviceexecution-controller", deployment, path)


def test_the_test_s_own_execution_is_let_through(account, image):
    accepted(account.create(PLACE, execution(image=image)))


@pytest.mark.parametrize(
    "spec",
    [
        {"serviceAccountName": "serviceexecution-controller"},
        {"podTemplate": {"spec": {"serviceAccountName": "serviceexecution-controller"}}},
        {"secrets": {"a": {"secretKeyRef": {"name": "object-store", "key": "a"}}}},
        {"dataPools": {"a": {"persistentVolumeClaim": {"claimName": "serviceexecution-store"}}}},
        {"env": [{"name": "A", "value": "b"}]},
    ],
    ids=lambda spec: next(iter(spec)),
)
def test_nothing_of_the_operator_s_namespace_is_used(account, image, spec):
    assert "The account of helm test may" in refusal(account.create(PLACE, execution(image=image, **spec)))


def test_no_other_image_and_no_other_name(account, image):
    assert "The account of helm test may" in refusal(account.create(PLACE, execution(image="evil")))
    assert "The account of helm test may" in refusal(account.create(PLACE, execution(image=image, name="a-")))


def test_executions_of_others_are_not_deleted(account):
    name = "not-of-helm-test"
    theirs: JsonObject = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "metadata": {"name": name, "namespace": OPERATOR_NAMESPACE},
        "spec": {"runtime": {"docker": {"image": "busybox"}}, "queueName": "nobody-admits"},
    }
    must("create", "-f", "-", stdin=theirs)
    try:
        assert "The account of helm test may" in refusal(account.delete(f"{PLACE}/{name}"))
    finally:
        must("delete", "serviceexecution", name, f"--namespace={OPERATOR_NAMESPACE}", "--wait=false")
