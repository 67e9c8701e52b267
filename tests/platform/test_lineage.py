"""``qhub-api`` 3.3.0, unmodified: which execution started which, and what an execution's own token may do."""

import base64
import hashlib

import pytest

from tests.platform.platform_client import UNKNOWN, Platform, refused
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE

PACKAGE = "qhub-service"
HEADER = "X-Parent-Execution-Token"


@pytest.fixture
def caller(platform):
    """A service whose programs get a token."""
    platform.define("caller", executionToken=True, runtime={"docker": {"image": "a/b:1"}})
    return platform


def started(platform, service="caller", parent=None):
    headers = {} if parent is None else {HEADER: parent}
    answer = platform.post(f"/services/{NAMESPACE}/{service}", {"a": 1}, headers=headers)
    assert answer.status_code == 201, answer.text
    name = answer.json()["id"]
    secret = platform.service.cluster.objects.get(("secrets", NAMESPACE, name))
    token = None if secret is None else base64.b64decode(secret["data"]["execution-token"]).decode()
    return name, token


def body_of(platform, name):
    return platform.service.cluster.objects["serviceexecutions", NAMESPACE, name]


def test_three_levels_are_shown_from_each_of_them(caller):
    root, root_token = started(caller)
    middle, middle_token = started(caller, parent=root_token)
    leaf, none = started(caller, SERVICE, parent=middle_token)
    second, _ = started(caller, SERVICE, parent=root_token)
    assert none is None, "its service asks for no token"
    executions = caller.client.service_executions
    for name in (root, middle, leaf):
        found = executions.get_service_execution_lineage(name)
        assert found.truncated is False
        assert found.nodes[0].id == root
        assert {one.id: getattr(one, "parent_id", None) for one in found.nodes} == {
            root: None,
            middle: root,
            second: root,
            leaf: middle,
        }
        assert found.nodes[-1].id == leaf, "breadth first"


def test_the_token_is_a_secret_of_the_run_and_only_its_digest_is_kept(caller):
    name, token = started(caller)
    secret = caller.service.cluster.objects["secrets", NAMESPACE, name]
    assert secret["metadata"]["labels"]["serviceexecution.dev/lifetime"] == "run"
    annotations = body_of(caller, name)["metadata"]["annotations"]
    assert annotations["serviceexecution.dev/run-secret"] == name
    assert annotations["serviceexecution.dev/execution-token"] == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(body_of(caller, name))
    assert "secrets" not in body_of(caller, name)["spec"]


@pytest.mark.parametrize("kind", ["changed", "empty", "other", "long", "odd", "nobody"])
def test_a_parent_that_cannot_be_verified_is_ignored(caller, kind):
    _, token = started(caller)
    place = base64.urlsafe_b64encode(b'{"namespace":"default","name":"x"}').decode()
    shown = {
        "changed": f"{token[:-1]}{'a' if token[-1] != 'a' else 'b'}",
        "empty": "",
        "other": "alice-token",
        "long": token + "a" * 5000,
        "odd": "sxe.%%%.x",
        "nobody": f"sxe.{place}.x",
    }[kind]
    child, _ = started(caller, parent=shown)
    assert "serviceexecution.dev/parent" not in body_of(caller, child)["metadata"]["labels"]


def test_a_token_ends_with_its_execution(caller, sdk, gateway):
    name, token = started(caller)
    own = Platform(sdk, gateway, token=token).client
    assert own.service_executions.get_service_execution(name).id == name
    end_of(caller, name)
    refused("UnauthorizedError", own.service_executions.get_service_execution, name)
    child, _ = started(caller, parent=token)
    assert "serviceexecution.dev/parent" not in body_of(caller, child)["metadata"]["labels"]


def end_of(platform, name):
    body = body_of(platform, name)
    body["status"] = {"phase": "Succeeded", "reason": "Succeeded"}
    body["metadata"]["resourceVersion"] = str(int(body["metadata"]["resourceVersion"]) + 1)

    async def note():
        platform.service.state.note(body)

    platform.gateway.run(note())


def test_a_token_reads_its_own_execution_and_nothing_more(caller, sdk, gateway):
    above, above_token = started(caller)
    name, token = started(caller, parent=above_token)
    below, _ = started(caller, SERVICE, parent=token)
    own = Platform(sdk, gateway, token=token).client
    executions = own.service_executions
    assert executions.get_service_execution(name).id == name
    assert [one.id for one in executions.get_service_execution_lineage(name).nodes] == [name, below]
    principal = own.authentication.resolve_auth_token()
    assert (principal.type, principal.service_execution.id) == ("token.execution", name)
    for other in (above, below, UNKNOWN):
        refused("ForbiddenError", executions.get_service_execution, other)
        refused("ForbiddenError", executions.get_service_execution_lineage, other)
    for call in (
        executions.cancel_service_execution,
        executions.get_service_execution_result,
        executions.get_service_execution_logs,
        executions.get_service_execution_metrics,
        own.service_jobs.rerun_service_job,
    ):
        refused("ForbiddenError", call, name)
    refused("ForbiddenError", executions.get_service_executions)
    refused("ForbiddenError", own.service_jobs.create_service_job, service_id=caller.service_id)
    service = caller.get(f"/services/{NAMESPACE}/{SERVICE}", token=token)
    assert service.status_code == 401, "it is no token of the Service API"


def test_circles_and_many_children_end(caller):
    first, token = started(caller)
    uid = body_of(caller, first)["metadata"]["uid"]
    caller.execution("one", metadata={"uid": "u-one", "labels": {"serviceexecution.dev/parent": "u-two"}})
    caller.execution("two", metadata={"uid": "u-two", "labels": {"serviceexecution.dev/parent": "u-one"}})
    lineage = caller.client.service_executions.get_service_execution_lineage
    assert len(lineage("u-one").nodes) == 2
    for number in range(1001):
        caller.execution(f"n{number}", metadata={"labels": {"serviceexecution.dev/parent": uid}})
    found = lineage(first)
    assert (len(found.nodes), found.truncated) == (1000, True)
    assert token is not None
