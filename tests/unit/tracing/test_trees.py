"""One tree for each execution: the request that makes it, the controller's spans, and where the program's belong."""

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest

from serviceexecution.contract.traceparent import TraceContext
from serviceexecution.kube.kinds import JOBS, SERVICE_EXECUTIONS
from tests.support.trace_receiver import trace_receiver
from tests.unit.controller.harness import Clock, World
from tests.unit.executions.builders import ended, running
from tests.unit.gateway.service_api.service_harness import JSON, Service

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ANNOTATION = "serviceexecution.dev/traceparent"


@pytest.fixture
async def traced(tmp_path):
    found = Service(tmp_path, traces_url="http://collector.example/v1/traces")
    yield found
    await found.schemas.close()


def kept(service: Service, name: str) -> TraceContext:
    text = cast("Any", service.executions()[name])["metadata"]["annotations"][ANNOTATION]
    found = TraceContext.parse(text)
    assert found is not None
    return found


async def test_the_controller_sends_a_run_s_spans_once_and_the_program_is_below_its_run():
    async with trace_receiver() as receiver:
        world = World(Clock(), traces_url=receiver.url)
        traces = world.controller.assembled.traces
        assert traces is not None
        sending = asyncio.create_task(traces.run())
        try:
            world.apply()
            world.kubernetes.change(
                SERVICE_EXECUTIONS, "team", "sum", {"metadata": {"annotations": {ANNOTATION: TRACE}}}
            )
            await world.controller.run()
            world.wait(5)
            world.pod(running(), running())
            await world.controller.run()
            job = cast("Any", world.kubernetes.one(JOBS))
            main = next(one for one in job["spec"]["template"]["spec"]["containers"] if one["name"] == "main")
            given = next(one["value"] for one in main["env"] if one["name"] == "TRACEPARENT")
            world.wait(10)
            world.pod(ended(0), ended(until=16))
            await world.keep()
            await world.controller.run()
            assert world.said() == ("Succeeded", "Succeeded")
            spans = {span["name"]: span for span in await receiver.until(3)}
            await world.controller.run()
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            await world.controller.checker.close()
        names = [span["name"] for span in receiver.spans]
        assert len(names) == len(set(names))
    root = spans["execution"]
    assert root["parentSpanId"] == TRACE[36:52]
    assert {span["parentSpanId"] for span in spans.values()} == {TRACE[36:52], root["spanId"]}
    assert given == f"{TRACE[:36]}{spans['run']['spanId']}-01"


async def test_a_submission_s_span_is_between_its_caller_s_and_the_execution(traced):
    name = await traced.started(headers={**JSON, "traceparent": TRACE})
    (span,) = traced.spans
    assert (span.trace_id, span.parent_id) == (TRACE[3:35], TRACE[36:52])
    assert kept(traced, name) == TraceContext(span.trace_id, span.span_id, "01")
    assert (span.name, span.problem) == ("POST /services/{namespace}/{service}", None)
    assert span.attributes["http.response.status_code"] == 201
    assert span.start <= span.end


@pytest.mark.parametrize(
    "headers", [{}, {"traceparent": "x" * 8000}, [("traceparent", TRACE), ("traceparent", TRACE)]]
)
async def test_a_submission_without_one_proper_trace_begins_its_own(traced, headers):
    name = await traced.started(
        headers=[*JSON.items(), *(headers.items() if isinstance(headers, dict) else headers)]
    )
    (span,) = traced.spans
    assert span.parent_id is None
    assert kept(traced, name).trace_id == span.trace_id != TRACE[3:35]


async def test_a_trace_that_the_caller_does_not_record_is_passed_on_without_a_span(traced):
    name = await traced.started(headers={**JSON, "traceparent": f"{TRACE[:-1]}0"})
    assert kept(traced, name).text == f"{TRACE[:-1]}0"
    assert traced.spans == []


async def test_polls_have_no_spans_and_calls_that_say_their_trace_do(traced):
    name = await traced.started()
    traced.spans.clear()
    await traced.get(f"/{name}")
    assert traced.spans == []
    await traced.get(f"/{name}", headers={"traceparent": TRACE})
    assert [span.parent_id for span in traced.spans] == [TRACE[36:52]]


async def test_strangers_fill_no_queue(traced):
    for headers in ({"Authorization": "Bearer wrong"}, {"Authorization": ""}):
        for answer in (
            await traced.get(headers={**headers, "traceparent": TRACE}),
            await traced.post(headers={**JSON, **headers, "traceparent": TRACE}),
        ):
            assert answer.status_code == 401
    assert traced.spans == []


async def test_an_error_of_ours_is_said_by_the_span(traced, monkeypatch):
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(traced.cluster, "create", broken)
    answer = await traced.post(headers={**JSON, "traceparent": TRACE})
    assert answer.status_code >= 500
    (span,) = traced.spans
    assert span.problem == f"Status {answer.status_code}"
