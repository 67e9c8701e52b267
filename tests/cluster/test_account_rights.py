"""What the operator's accounts, and those of its callers, may do."""

import json
import uuid

import pytest

from serviceexecution.contract.json_types import JsonObject
from tests.cluster.fenced import as_controller, execution, fenced
from tests.cluster.kubectl import kubectl, must
from tests.support.polling import poll_until

__all__ = ["as_controller", "fenced"]

pytestmark = pytest.mark.cluster

GATEWAY = "system:serviceaccount:serviceexecution-system:serviceexecution-gateway"


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
def test_the_controller_has_no_right_that_it_does_not_need(as_controller, verb, resource):
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
