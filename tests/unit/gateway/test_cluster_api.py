"""What an operator sees of everything: counted without a gateway, and asked of one."""

from datetime import UTC, datetime, timedelta

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.cluster.processes import Installation, processes_document
from serviceexecution.gateway.cluster.summary import MOST_LISTED, executions_summary, services_summary
from serviceexecution.gateway.state.definition_index import known_definition
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import DEPLOYMENTS, LEASES, SERVICE_EXECUTIONS
from serviceexecution.resources.executions.execution_status import Phase
from tests.unit.gateway.service_api.service_harness import Service, is_problem

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
CREATED = "2026-11-01T00:00:00Z"
FAILED = {"phase": Phase.FAILED, "reason": "ProgramFailed"}


def execution(number, **more):
    created = NOW - timedelta(minutes=number)
    facts = {"namespace": "a", "name": f"e{number}", "uid": f"u{number}", "version": 1, "service": "s"}
    return KnownExecution(created=created, **{**facts, **more})


def summary(*executions):
    return executions_summary(executions, NOW, lambda one: one.uid)


def definition(name, *revisions, phase="Ready"):
    body: JsonObject = {
        "metadata": {"name": name, "namespace": "a", "uid": f"uid-of-{name}", "creationTimestamp": CREATED},
        "spec": {"runtime": {"python": {}}},
        "status": {"phase": phase, "revisions": [{"key": "k", **one} for one in revisions]},
    }
    return known_definition(body)


def test_those_that_run_and_wait_are_counted_by_what_for_and_where():
    found = summary(
        execution(1, phase=Phase.RUNNING),
        execution(2, reason="Queued"),
        execution(3, namespace="b", phase=Phase.PENDING, reason="Queued", service_uid="x"),
        execution(9, namespace="b", phase=Phase.PENDING),
        execution(4, phase=Phase.SUCCEEDED),
    )
    assert (found["kept"], found["running"], found["waiting"]) == (5, 1, 3)
    assert found["waitsFor"] == {"concurrency": 1, "queue": 1, "start": 1}
    assert found["namespaces"] == [
        {"namespace": "b", "running": 0, "waiting": 2, "waitsSince": "2026-11-28T11:51:00+00:00"},
        {"namespace": "a", "running": 1, "waiting": 1, "waitsSince": "2026-11-28T11:58:00+00:00"},
    ]


def test_what_failed_most_this_week_comes_first_with_the_newest_of_its_kind():
    found = summary(
        execution(1, **FAILED),
        execution(3, **FAILED, completion_time=NOW),
        execution(2, phase=Phase.FAILED, reason="OutOfMemory"),
        execution(4, phase=Phase.CANCELLED),
        execution(8 * 24 * 60, **FAILED),
    )
    assert [(one["reason"], one["count"], one["newest"]) for one in found["failing"]] == [
        ("ProgramFailed", 2, "u3"),
        ("OutOfMemory", 1, "u2"),
    ]


def test_no_number_of_namespaces_and_reasons_makes_the_answer_longer():
    many = [execution(n, namespace=f"n{n}", **(FAILED if n % 2 else {})) for n in range(200)]
    found = summary(*many)
    assert len(found["namespaces"]) == len(found["failing"]) == MOST_LISTED


def test_builds_that_run_come_before_those_that_failed_last():
    building = {"name": "r2", "phase": "Building", "buildTime": "2026-11-28T10:00:00Z"}
    failed = {"name": "r1", "phase": "Failed", "reason": "BuildFailed", "startTime": "2026-11-28T11:00:00Z"}
    found = services_summary(
        [
            definition("one", failed, phase="Failed"),
            definition("two", building, {**failed, "phase": "Succeeded"}),
            definition("three", {**failed, "name": "r9", "phase": "Succeeded"}, failed),
        ]
    )
    assert found["services"] == {"total": 3, "notReady": 1}
    builds = found["builds"]
    assert (builds["running"], builds["failed"], builds["waiting"]) == (1, 1, 0)
    assert [(one["service"], one["phase"]) for one in builds["newest"]] == [
        ("two", "Building"),
        ("one", "Failed"),
    ]


def test_processes_are_what_their_deployments_say():
    deployment: JsonObject = {
        "metadata": {"labels": {"app.kubernetes.io/version": "1.2"}},
        "spec": {"replicas": 2},
        "status": {"readyReplicas": 1},
    }
    lease: JsonObject = {"spec": {"holderIdentity": "controller-1", "renewTime": "2026-11-28T12:00:00Z"}}
    assert processes_document(lease, {"controller": deployment, "gateway": None}) == {
        "leader": {"name": "controller-1", "renewedAt": "2026-11-28T12:00:00Z"},
        "parts": [{"name": "controller", "ready": 1, "wanted": 2, "version": "1.2"}],
    }
    assert Installation.parse("") is None


@pytest.fixture
async def operated(tmp_path):
    found = Service(tmp_path, installation="system/sx")
    yield found
    await found.schemas.close()


async def test_one_document_tells_everything_and_is_counted_once_in_a_while(operated):
    cluster = operated.cluster
    cluster.seed(SERVICE_EXECUTIONS, "b", "one", spec={"serviceRef": {"name": "s"}})
    operated.state.note(cluster.objects["serviceexecutions", "b", "one"])
    cluster.seed(LEASES, "system", "sx-controller", spec={"holderIdentity": "controller-1"})
    cluster.seed(DEPLOYMENTS, "system", "sx-gateway", spec={"replicas": 1}, status={"readyReplicas": 1})
    answer = await operated.http.get("/api/v1/cluster")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["executions"]["waiting"] == 1
    assert found["processes"]["leader"] == {"name": "controller-1"}
    assert found["processes"]["parts"] == [{"name": "gateway", "ready": 1, "wanted": 1}]
    assert found["store"] == {"answers": True}
    submissions = next(one for one in found["gateway"]["budgets"] if one["name"] == "submissions")
    assert submissions == {"name": "submissions", "held": 0, "most": 32, "waiting": 0}
    reads = len(cluster.requests)
    assert (await operated.http.get("/api/v1/cluster")).json() == found
    assert len(cluster.requests) == reads


async def test_only_who_may_list_the_executions_of_all_namespaces_sees_it(operated):
    operated.cluster.allowed = lambda question: question["namespace"] == "team-a"
    answer = await operated.http.get("/api/v1/cluster")
    assert is_problem(answer, 403, "Forbidden")
    assert answer.json()["detail"] == "alice may not list serviceexecutions in all namespaces."
    assert not [one for one in operated.cluster.calls if one[1] in {"leases", "deployments"}]


async def test_processes_that_cannot_be_read_say_why_and_the_rest_is_there(operated, monkeypatch):
    async def refuse(kind, *_):
        raise KubernetesError(f"{kind.plural} is forbidden", status=403)

    monkeypatch.setattr(operated.cluster, "get", refuse)
    found = (await operated.http.get("/api/v1/cluster")).json()
    assert "leases is forbidden" in found["processes"]["problem"]
    assert found["executions"]["kept"] == 0
