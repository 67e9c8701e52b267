"""The gateway's account where the operator lets it delete executions: those of services that have ended, and no others.

Whoever has taken it over has all of that. What runs, and what runs an image that somebody has chosen, stays.
"""

import json
import uuid
from collections.abc import Iterator

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from tests.attacks.cluster.account import (
    OPERATOR_NAMESPACE,
    Account,
    accepted,
    may,
    refusal,
    tenant_namespace,
)
from tests.cluster.kubectl import must
from tests.support.polling import poll_until

pytestmark = pytest.mark.cluster

GATEWAY = "serviceexecution-gateway"
SERVICE: JsonObject = {"serviceRef": {"name": "none"}}  # The operator waits a minute for such a service
IMAGE: JsonObject = {"runtime": {"docker": {"image": "registry.invalid/none"}}}
ENDED: JsonObject = {"phase": "Succeeded", "completionTime": "2026-03-01T12:00:00Z"}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account.of(GATEWAY) as found:
        yield found


@pytest.fixture(scope="module")
def tenant() -> Iterator[str]:
    """Return a namespace in which the gateway may delete executions, as with ``gateway.platformApi.write``."""
    with tenant_namespace() as name:
        there = f"--namespace={name}"
        right = ("--verb=delete", "--resource=serviceexecutions.serviceexecution.dev")
        must("create", "role", "deletions", there, *right)
        subject = f"--serviceaccount={OPERATOR_NAMESPACE}:{GATEWAY}"
        must("create", "rolebinding", "deletions", there, "--role=deletions", subject)
        resource = "serviceexecutions.serviceexecution.dev"
        poll_until(lambda: may(GATEWAY, "delete", resource, name), seconds=30, what="the binding counts")
        yield name


def made(namespace: str, spec: JsonObject, status: JsonObject) -> str:
    """Make an execution as somebody else would, with that status; return its path."""
    name = f"x-{uuid.uuid4().hex[:8]}"
    manifest: JsonObject = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
    must("create", "-f", "-", stdin=manifest)
    where = (name, f"--namespace={namespace}", "--type=merge", "--patch")
    must("patch", "sx", *where, json.dumps({"status": status}), "--subresource=status")
    return SERVICE_EXECUTIONS.path(namespace, name)


@pytest.mark.parametrize(
    ("spec", "status", "allowed"),
    [
        (SERVICE, ENDED, True),
        (SERVICE, {"phase": "Running"}, False),
        (IMAGE, ENDED, False),
    ],
    ids=["a service's that has ended", "one that runs", "an image's"],
)
def test_only_an_execution_of_a_service_that_has_ended_is_deleted(account, tenant, spec, status, allowed):
    answer = account.delete(made(tenant, spec, status))
    if allowed:
        accepted(answer)
    else:
        assert "may delete only executions of services that have ended" in refusal(answer)


def test_all_at_once_are_never_deleted(account, tenant):
    assert "cannot deletecollection" in refusal(account.delete(SERVICE_EXECUTIONS.path(tenant)))
