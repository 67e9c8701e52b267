"""Executions of services on real pods: what they take, what is refused, who waits, and what a wrong result leaves."""

import itertools
from typing import cast

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND
from tests.support.cluster import member
from tests.support.sandbox import Sandbox, phase_and_reason, shell

WRITES_SUM = "printf '{\"sum\": 6}' > /var/runtime/output/output.json; echo done"
SUM: JsonObject = {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]}
RUN: JsonObject = {"serviceRef": {"name": "adder"}}


def define(sandbox: Sandbox, script: str = WRITES_SUM, **spec: object) -> None:
    """Create the service and wait for what the operator says of it."""
    manifest: JsonObject = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": DEFINITION_KIND,
        "metadata": {"name": "adder"},
        "spec": cast("JsonObject", {"runtime": shell(script), **spec}),
    }
    sandbox.cluster.create(SERVICE_DEFINITIONS, sandbox.name, manifest)


def ready(sandbox: Sandbox, generation: int = 1) -> JsonObject:
    found = sandbox.cluster.wait_for(
        SERVICE_DEFINITIONS,
        sandbox.name,
        "adder",
        lambda item: member(item, "status", "observedGeneration") == generation,
        seconds=30,
        what="the status of the service",
    )
    conditions = cast("list[JsonObject]", member(found, "status", "conditions"))
    return next(one for one in conditions if one["type"] == "Ready")


def message(execution: JsonObject) -> str:
    return str(member(execution, "status", "message"))


def test_a_run_keeps_what_it_took_when_the_service_changes(sandbox: Sandbox) -> None:
    define(sandbox, "sleep 3; " + WRITES_SUM, env=[{"name": "A", "value": "1"}], outputSchema=SUM)
    assert ready(sandbox)["status"] == "True"
    sandbox.create(RUN)
    taken = member(sandbox.wait_for_running(), "status", "service")
    patch: JsonObject = {"spec": {"runtime": shell("exit 3")}}
    sandbox.cluster.patch(SERVICE_DEFINITIONS, sandbox.name, "adder", patch)
    assert ready(sandbox, 2)["status"] == "True"
    final = sandbox.wait_for_end()
    assert phase_and_reason(final) == ("Succeeded", "Succeeded"), message(final)
    assert member(final, "status", "service") == taken
    assert member(taken, "generation") == 1
    assert phase_and_reason(sandbox.run(RUN, name="later")) == ("Failed", "ProgramFailed")


def test_one_at_a_time_in_the_order_of_their_creation(sandbox: Sandbox) -> None:
    define(sandbox, "sleep 2", concurrency=1)
    names = ["one", "two", "three"]
    for name in names:
        sandbox.create(RUN, name=name)
    sandbox.wait_for_reason("Queued", "three")
    finals = [sandbox.wait_for_end(name) for name in names]
    assert {phase_and_reason(final) for final in finals} == {("Succeeded", "Succeeded")}
    spans = sorted(
        (str(member(final, "status", "startTime")), str(member(final, "status", "completionTime")))
        for final in finals
    )
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans)), spans


def test_a_result_that_does_not_fit_fails_and_is_kept(sandbox: Sandbox) -> None:
    script = 'printf \'{"sum": "six"}\' > /var/runtime/output/output.json; echo done'
    define(sandbox, script, outputSchema=SUM)
    final = sandbox.run(RUN)
    assert phase_and_reason(final) == ("Failed", "OutputInvalid")
    assert '$["sum"]' in message(final)
    assert member(final, "status", "result", "fileCount") == 1
    assert member(final, "status", "log", "lines") == 1


def test_limits_and_schema_refuse_before_any_pod(sandbox: Sandbox) -> None:
    schema: JsonObject = {"type": "object", "properties": {"data": {"type": "number"}}}
    define(sandbox, inputSchema=schema, limits={"timeout": "1h"})
    final = sandbox.run({**RUN, "timeout": "2h"}, name="long")
    assert phase_and_reason(final) == ("Failed", "InvalidSpec")
    assert "spec.timeout is 2h; the service allows at most 1h." in message(final)
    final = sandbox.run({**RUN, "inputJson": '{"data": "one"}'}, name="wrong")
    assert phase_and_reason(final) == ("Failed", "InvalidInput")
    assert '$["data"]' in message(final)
    for name in ("long", "wrong"):
        assert not any(sandbox.children(sandbox.get(name)).values())


def test_a_service_that_cannot_run_says_why_and_starts_when_it_is_mended(sandbox: Sandbox) -> None:
    define(sandbox, inputSchema={"type": "nonsense"})
    assert ready(sandbox)["status"] == "False"
    sandbox.create(RUN)
    assert "spec.inputSchema" in message(sandbox.wait_for_reason("ServiceNotReady"))
    patch: JsonObject = {"spec": {"inputSchema": None}}
    sandbox.cluster.patch(SERVICE_DEFINITIONS, sandbox.name, "adder", patch)
    assert phase_and_reason(sandbox.wait_for_end()) == ("Succeeded", "Succeeded")
    assert sandbox.cluster.get(SERVICE_EXECUTIONS, sandbox.name, "run") is not None
