"""H6: who may submit services runs no image of their own, whatever the audience of their token. Fails on 9b98b50, where
``<release>-submit`` and ``-develop`` had ``create serviceexecutions``.
"""

import json
from collections.abc import Iterator

import httpx
import pytest

from serviceexecution.contract.json_types import JsonObject
from tests.attacks.cluster.account import tenant_namespace
from tests.cluster.kubectl import kubectl, must
from tests.support.cluster import Cluster
from tests.support.gateway import gateway_address
from tests.support.polling import poll_until

pytestmark = pytest.mark.cluster

AUDIENCE = "services.serviceexecution.dev"
ACCOUNT = "pipeline"


@pytest.fixture
def tenant() -> Iterator[str]:
    """Return a namespace with a service, and accounts ``submit`` and ``develop`` that have the role of that name."""
    with tenant_namespace() as name:
        for role in ("submit", "develop"):
            make_account(name, role)
        service: JsonObject = {
            "apiVersion": "serviceexecution.dev/v1alpha1",
            "kind": "ServiceDefinition",
            "metadata": {"name": "sum", "namespace": name},
            "spec": {"runtime": {"docker": {"image": "docker.io/library/busybox:1.35.0"}}},
        }
        must("create", "-f", "-", stdin=service)
        yield name


def make_account(namespace: str, role: str) -> None:
    must("create", "serviceaccount", role, f"--namespace={namespace}")
    binding = ("create", "rolebinding", role, f"--namespace={namespace}")
    must(*binding, f"--serviceaccount={namespace}:{role}", f"--clusterrole=serviceexecution-{role}")
    right = ("get", "serviceexecutions.serviceexecution.dev")
    poll_until(lambda: may(namespace, role, *right), seconds=30, what="the binding counts")


@pytest.fixture(scope="module")
def gateway() -> Iterator[httpx.Client]:
    address = gateway_address(Cluster(), "serviceexecution-system")
    if address is None:
        pytest.skip("the gateway has no address outside of the cluster")
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client


def who(namespace: str, account: str) -> str:
    return f"--as=system:serviceaccount:{namespace}:{account}"


def may(namespace: str, account: str, *what: str) -> bool:
    done = kubectl(who(namespace, account), f"--namespace={namespace}", "auth", "can-i", *what)
    return done.stdout.strip() == "yes"


def an_execution(namespace: str, **spec: object) -> JsonObject:
    manifest = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "metadata": {"generateName": "attack-", "namespace": namespace},
        "spec": spec,
    }
    found: JsonObject = json.loads(json.dumps(manifest))
    return found


@pytest.mark.parametrize("account", ["submit", "develop"])
@pytest.mark.parametrize(
    "spec",
    [
        {"runtime": {"docker": {"image": "evil"}}},
        {"runtime": {"docker": {"image": "evil"}}, "podTemplate": {"spec": {"hostPID": True}}},
        {"serviceRef": {"name": "sum"}},
    ],
    ids=["image", "podTemplate", "serviceRef"],
)
def test_kubectl_creates_no_execution(tenant, account, spec):
    refused = kubectl(
        who(tenant, account), "create", "--dry-run=server", "-f", "-", stdin=an_execution(tenant, **spec)
    )
    assert refused.returncode != 0
    assert 'cannot create resource "serviceexecutions"' in refused.stderr


@pytest.mark.parametrize("account", ["submit", "develop"])
def test_the_roles_give_nothing_but_reading_two_kinds_at_the_api_server(tenant, account):
    for verb in ("create", "update", "patch", "delete", "deletecollection"):
        for kind in ("serviceexecutions", "servicedefinitions"):
            assert not may(tenant, account, verb, f"{kind}.serviceexecution.dev"), (verb, kind)
    for kind in ("pods", "jobs.batch", "secrets", "configmaps", "serviceaccounts"):
        for verb in ("get", "list", "create"):
            assert not may(tenant, account, verb, kind), (verb, kind)


@pytest.mark.parametrize("account", ["submit", "develop"])
def test_the_same_account_submits_and_cancels_through_the_gateway(tenant, account, gateway):
    token = must("create", "token", account, f"--namespace={tenant}", f"--audience={AUDIENCE}").strip()
    head = {"Authorization": f"Bearer {token}"}
    url = f"/services/{tenant}/sum"
    created = gateway.post(f"{url}/", headers=head, json={})
    assert created.status_code == 201, created.text
    cancelled = gateway.put(f"{url}/{created.json()['id']}/cancel", headers=head)
    assert cancelled.status_code == 200, cancelled.text


def test_the_api_server_serves_none_of_what_the_gateway_asks_for(tenant):
    base = f"/apis/serviceexecution.dev/v1alpha1/namespaces/{tenant}"
    for path in (
        "servicedefinitions/sum/run",
        "servicedefinitions/sum/source",
        "serviceexecutions/any/cancel",
        "serviceexecutions/any/results",
        "datapools/any/files",
    ):
        done = kubectl("get", "--raw", f"{base}/{path}")
        assert "NotFound" in done.stderr, path
    listed = json.loads(must("get", "--raw", "/apis/serviceexecution.dev/v1alpha1"))["resources"]
    kinds = ("serviceexecutions", "servicedefinitions", "datapools")
    served = {f"{kind}{part}" for kind in kinds for part in ("", "/status")}
    assert {resource["name"] for resource in listed} == served


def test_one_service_alone_may_be_granted(tenant, gateway):
    must("create", "serviceaccount", ACCOUNT, f"--namespace={tenant}")
    role = ("create", "role", ACCOUNT, f"--namespace={tenant}", "--verb=create")
    must(*role, "--resource=servicedefinitions.serviceexecution.dev/run", "--resource-name=sum")
    binding = ("create", "rolebinding", ACCOUNT, f"--namespace={tenant}", f"--role={ACCOUNT}")
    must(*binding, f"--serviceaccount={tenant}:{ACCOUNT}")
    head = {
        "Authorization": "Bearer "
        + must("create", "token", ACCOUNT, f"--namespace={tenant}", f"--audience={AUDIENCE}").strip()
    }

    def submit(service: str) -> int:
        return int(gateway.post(f"/services/{tenant}/{service}/", headers=head, json={}).status_code)

    poll_until(lambda: submit("sum") == 201, seconds=30, what="the binding counts")
    assert submit("other") == 403
