"""M8, M9: who has taken the gateway over has its account, and with it services may be run and nothing else.

On 9b98b50 the account could create Jobs in the default shape (it was the controller's), give an execution a
``podTemplate`` or another's Secret, and make Secrets of any type.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from serviceexecution.contract.input.submission import SecretValues, Submission
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.service_api.submission.objects import (
    SubmissionObjects,
    owner_patch,
    submission_objects,
    with_secret_uid,
)
from serviceexecution.kube.kinds import CONFIG_MAPS, PODS, SECRETS, SERVICE_EXECUTIONS
from serviceexecution.kube.token_requests import token_request
from tests.attacks.cluster.account import (
    Account,
    accepted,
    make_foreign_objects,
    may,
    merged,
    refusal,
    tenant_namespace,
)
from tests.cluster.kubectl import must

pytestmark = pytest.mark.cluster

GATEWAY = "serviceexecution-gateway"
ID = "0b6ee8c4-6f2b-4e6a-9d55-3a6f0d2f7f11"
OTHER = "77777777-6f2b-4e6a-9d55-3a6f0d2f7f11"
SUBMISSION = "serviceexecution.dev/submission"
AUDIENCE = "services.serviceexecution.dev"
KEY = "access-key-k1"

Change = Callable[[JsonObject], JsonObject]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account.of(GATEWAY) as found:
        yield found


@pytest.fixture(scope="module")
def tenant() -> Iterator[str]:
    """Return somebody's namespace: a service's execution, a submission's ConfigMap, foreign objects, an access key."""
    with tenant_namespace() as name:
        made = objects()
        kept: JsonObject = {**made.execution, "metadata": {"name": "kept", "namespace": name}}
        must("create", "-f", "-", stdin=kept)
        assert made.config_map is not None
        must("create", f"--namespace={name}", "-f", "-", stdin=renamed(made.config_map, OTHER))
        make_foreign_objects(name)
        make_key(name)
        yield name


def make_key(namespace: str) -> None:
    """Make an account that the gateway may make tokens of, as an access key's Role lets it, and one beside it."""
    for name in (KEY, "default-admin"):
        must("create", "serviceaccount", name, f"--namespace={namespace}")
        must("create", "secret", "generic", name, f"--namespace={namespace}")
    right = ("--verb=create", "--resource=serviceaccounts/token")
    must("create", "role", "key", f"--namespace={namespace}", *right)
    subject = f"--serviceaccount=serviceexecution-system:{GATEWAY}"
    must("create", "rolebinding", "key", f"--namespace={namespace}", "--role=key", subject)


def objects(name: str = ID) -> SubmissionObjects:
    """Return what the gateway itself makes of a submission with all that one can have."""
    submission = Submission(
        {"data": "1", "ä b": "2"}, SecretValues({"token": "s3cret", "ü": "x"}), ("a", "b")
    )
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    more: Any = {"parent": OTHER, "token": "sxe.x.y", "input_retention": 60, "traceparent": trace}
    more["modified"] = {"data": "readings"}
    return submission_objects(submission, name=name, service="sum", username="jane", digest="d" * 64, **more)


def renamed(manifest: JsonObject, name: str) -> JsonObject:
    return json.loads(json.dumps(manifest).replace(ID, name))  # type: ignore[no-any-return]


def secret() -> JsonObject:
    made = objects().secret
    assert made is not None
    owner: JsonObject = {"apiVersion": "v1", "kind": "ConfigMap", "name": ID, "uid": str(uuid.uuid4())}
    return merged(made, {"metadata": {"ownerReferences": [owner]}})


def config_map() -> JsonObject:
    made = objects().config_map
    assert made is not None
    return made


def execution() -> JsonObject:
    return with_secret_uid(objects().execution, {"metadata": {"uid": str(uuid.uuid4())}})


def test_what_a_submission_needs_is_let_through(account, tenant):
    for kind, manifest in (
        (CONFIG_MAPS, config_map()),
        (SECRETS, secret()),
        (SERVICE_EXECUTIONS, execution()),
    ):
        accepted(account.create(kind.path(tenant), manifest))
    accepted(account.patch(CONFIG_MAPS.path(tenant, OTHER), owner_patch(OTHER, str(uuid.uuid4()))))
    touch: JsonObject = {"metadata": {"annotations": {"serviceexecution.dev/reused": "now"}}}
    accepted(account.patch(CONFIG_MAPS.path(tenant, OTHER), touch))
    accepted(account.delete(CONFIG_MAPS.path(tenant, OTHER)))
    accepted(account.patch(SERVICE_EXECUTIONS.path(tenant, "kept"), {"spec": {"cancel": True}}))
    bound = (KEY, must("get", "secret", KEY, f"--namespace={tenant}", "-o=jsonpath={.metadata.uid}"))
    accepted(
        account.create(
            f"/api/v1/namespaces/{tenant}/serviceaccounts/{KEY}/token", token_request(AUDIENCE, 3600, bound)
        )
    )


CONTAINER: JsonObject = {"name": "main", "image": "evil"}
ALONE = "spec.dataPools of an execution alone"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"spec": {"serviceRef": None, "runtime": {"docker": {"image": "evil"}}}}, "of services only"),
        ({"spec": {"podTemplate": {"spec": {"containers": [CONTAINER]}}}}, ALONE),
        ({"spec": {"podTemplate": {}}}, ALONE),
        ({"spec": {"serviceAccountName": "admin"}}, ALONE),
        ({"spec": {"env": [{"name": "A", "value": "b"}]}}, ALONE),
        (
            {"spec": {"dataPools": {"a": {"persistentVolumeClaim": {"claimName": "theirs"}}}}},
            "no data pools but DataPools",
        ),
        ({"spec": {"callback": {"url": "http://evil"}}}, ALONE),
        ({"spec": {"ttlSecondsAfterFinished": 0}}, ALONE),
        ({"spec": {"imagePullSecrets": [{"name": "theirs"}]}}, ALONE),
        ({"spec": {"securityContext": {"runAsUser": 0}}}, ALONE),
        ({"spec": {"cancel": False}}, ALONE),
        ({"spec": {"inputFrom": {"configMapRef": {"name": "theirs"}}}}, "no input and no secrets but those"),
        (
            {"spec": {"secrets": {"stolen": {"secretKeyRef": {"name": "theirs", "key": "a"}}}}},
            "no input and no secrets but those",
        ),
        ({"metadata": {"name": "theirs"}}, ""),
        ({"metadata": {"labels": {"a": "b"}}}, "of submissions only"),
        ({"metadata": {"labels": {SUBMISSION: OTHER}}}, "of submissions only"),
        ({"metadata": {"annotations": {"a": "b"}}}, "of submissions only"),
        ({"metadata": {"annotations": {"serviceexecution.dev/run-secret": OTHER}}}, "of submissions only"),
        ({"metadata": {"finalizers": ["example.com/stay"]}}, "of submissions only"),
        (
            {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}]}},
            "of submissions only",
        ),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_an_execution_runs_nothing_but_its_service(account, tenant, change, sentence):
    answer = account.create(SERVICE_EXECUTIONS.path(tenant), merged(execution(), change))
    assert sentence in refusal(answer)


def test_an_execution_without_service_s_input_is_refused_with_runtime_beside_it(account, tenant):
    both = merged(execution(), {"spec": {"runtime": {"docker": {"image": "evil"}}}})
    refusal(account.create(SERVICE_EXECUTIONS.path(tenant), both))


@pytest.mark.parametrize(
    "change",
    [
        {
            "type": "kubernetes.io/service-account-token",
            "metadata": {"annotations": {"kubernetes.io/service-account.name": "default"}},
        },
        {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "e30="}},
        {"type": "serviceexecution.dev/access-key"},
        {"immutable": None},
        {"data": {"ca.crt": "eA=="}},
        {"metadata": {"name": "theirs-too"}},
        {"metadata": {"name": OTHER}},
        {"metadata": {"labels": {SUBMISSION: OTHER}}},
        {"metadata": {"labels": {"argocd.argoproj.io/secret-type": "cluster"}}},
        {"metadata": {"labels": {"serviceexecution.dev/lifetime": None}}},
        {"metadata": {"annotations": {"kubernetes.io/service-account.name": "default"}}},
        {"metadata": {"ownerReferences": None}},
        {
            "metadata": {
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": "11111111-1111-1111"}
                ]
            }
        },
        {"metadata": {"finalizers": ["example.com/stay"]}},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_a_secret_is_a_submission_s_or_none(account, tenant, change):
    assert "The gateway may make Secrets of submissions only" in refusal(
        account.create(SECRETS.path(tenant), merged(secret(), change))
    )


@pytest.mark.parametrize(
    "change",
    [
        {"immutable": None},
        {"binaryData": {"a": "eA=="}},
        {"metadata": {"name": "kube-root-ca"}},
        {"metadata": {"labels": {SUBMISSION: None}}},
        {"metadata": {"labels": {SUBMISSION: OTHER}}},
        {"metadata": {"labels": {"grafana_dashboard": "1"}}},
        {"metadata": {"annotations": {"a": "b"}}},
        {"metadata": {"finalizers": ["example.com/stay"]}},
        {
            "metadata": {
                "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "11111111-1111"}]
            }
        },
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_a_config_map_is_a_submission_s_or_none(account, tenant, change):
    assert "of submissions only" in refusal(
        account.create(CONFIG_MAPS.path(tenant), merged(config_map(), change))
    )


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"labels": {SUBMISSION: None}}},
        {"metadata": {"labels": {SUBMISSION: ID}}},
        {"metadata": {"labels": {"a": "b"}}},
        {"metadata": {"annotations": {"a": "b"}}},
        {"metadata": {"annotations": {"serviceexecution.dev/request-digest": "e"}}},
        {"metadata": {"finalizers": ["example.com/stay"]}},
        {
            "metadata": {
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Pod", "name": OTHER, "uid": "11111111-1111"}
                ]
            }
        },
        owner_patch(ID, "11111111-1111"),
        {"data": {"data.json": "2"}},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_of_a_submission_s_config_map_its_owner_alone_is_changed(account, tenant, change):
    refusal(account.patch(CONFIG_MAPS.path(tenant, OTHER), change))


def test_what_others_have_is_left_alone(account, tenant):
    for change in (
        {"metadata": {"labels": {"a": "b"}}},
        {"data": {"a": "c"}},
        owner_patch("theirs", "11111111"),
    ):
        assert "of submissions only" in refusal(account.patch(CONFIG_MAPS.path(tenant, "theirs"), change))
    assert "of submissions only" in refusal(account.delete(CONFIG_MAPS.path(tenant, "theirs")))
    for path in (
        SECRETS.path(tenant, "theirs"),
        SERVICE_EXECUTIONS.path(tenant, "kept"),
        PODS.path(tenant, "p"),
    ):
        assert "cannot delete" in refusal(account.delete(path))


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"cancel": True, "tags": ["x"]}},
        {"spec": {"ttlSecondsAfterFinished": 1}},
        {"spec": {"ttlSecondsAfterFinished": 1, "cancel": True}},
        {"spec": {"serviceRef": {"name": "other"}}},
        {"spec": {"podTemplate": {"spec": {}}}},
        {"metadata": {"labels": {"a": "b"}}},
        {"metadata": {"annotations": {"serviceexecution.dev/run-secret": "theirs"}}},
        {"metadata": {"finalizers": ["example.com/stay"]}},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_an_execution_is_cancelled_and_changed_no_further(account, tenant, change):
    refusal(account.patch(SERVICE_EXECUTIONS.path(tenant, "kept"), change))


@pytest.mark.parametrize(
    ("who", "request_for", "bound"),
    [
        (KEY, ("https://kubernetes.default.svc.cluster.local", 3600), KEY),
        (KEY, ("collector.serviceexecution.dev", 3600), KEY),
        (KEY, (AUDIENCE, 3600), ""),
        (KEY, (AUDIENCE, 3600), "default-admin"),
        (KEY, (AUDIENCE, 90000), KEY),
        ("default-admin", (AUDIENCE, 3600), "default-admin"),
    ],
)
def test_tokens_are_those_of_access_keys_alone(account, tenant, who, request_for, bound):
    """Also where a Role lets it make tokens of all accounts of a namespace, as ``tenant`` does."""
    uid = (
        must("get", "secret", bound, f"--namespace={tenant}", "-o=jsonpath={.metadata.uid}") if bound else ""
    )
    audience, seconds = request_for
    request = token_request(audience, seconds, (bound, uid) if bound else None)
    answer = account.create(f"/api/v1/namespaces/{tenant}/serviceaccounts/{who}/token", request)
    assert "The gateway may make tokens" in refusal(answer)


def test_a_token_of_no_audience_is_the_api_server_s_own(account, tenant):
    request: JsonObject = {"spec": {"expirationSeconds": 3600}}
    answer = account.create(f"/api/v1/namespaces/{tenant}/serviceaccounts/{KEY}/token", request)
    assert "The gateway may make tokens for the audience" in refusal(answer)


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("create", "jobs.batch"),
        ("delete", "jobs.batch"),
        ("create", "pods"),
        ("create", "pods/exec"),
        ("get", "pods/log"),
        ("delete", "pods"),
        ("patch", "pods"),
        ("get", "secrets"),
        ("list", "secrets"),
        ("watch", "secrets"),
        ("update", "secrets"),
        ("delete", "secrets"),
        ("update", "configmaps"),
        ("deletecollection", "configmaps"),
        ("update", "serviceexecutions.serviceexecution.dev"),
        ("delete", "serviceexecutions.serviceexecution.dev"),
        ("patch", "serviceexecutions.serviceexecution.dev/status"),
        ("create", "servicedefinitions.serviceexecution.dev"),
        ("patch", "servicedefinitions.serviceexecution.dev"),
        ("create", "serviceaccounts/token"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
        ("bind", "clusterroles.rbac.authorization.k8s.io"),
        ("escalate", "clusterroles.rbac.authorization.k8s.io"),
        ("impersonate", "users"),
        ("impersonate", "serviceaccounts"),
        ("patch", "validatingadmissionpolicies.admissionregistration.k8s.io"),
        ("patch", "leases.coordination.k8s.io"),
        ("get", "persistentvolumeclaims"),
        ("get", "nodes"),
    ],
)
def test_the_gateway_s_account_has_no_right_of_the_controller(verb, resource):
    assert not may(GATEWAY, verb, resource)
    assert not may(GATEWAY, verb, resource, "serviceexecution-system")


def test_jobs_and_pods_are_refused_whatever_they_are(account, tenant):
    pod: JsonObject = {"metadata": {"name": "p"}, "spec": {"containers": [CONTAINER]}}
    assert 'cannot create resource "pods"' in refusal(account.create(PODS.path(tenant), pod))
    job: JsonObject = {"metadata": {"name": "j"}, "spec": {"template": {"spec": pod["spec"]}}}
    path = f"/apis/batch/v1/namespaces/{tenant}/jobs"
    assert 'cannot create resource "jobs"' in refusal(account.create(path, job))
    assert "cannot get" in refusal(account.get(SECRETS.path(tenant, "theirs")))
