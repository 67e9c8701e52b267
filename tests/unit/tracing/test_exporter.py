"""Spans on their way to a collector of traces: sent, tried again, or dropped and counted, and nobody waits."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from serviceexecution.process.settings import ProcessSettings, SettingsError
from serviceexecution.tracing.exporter import MOST_WAITING, TraceExporter
from serviceexecution.tracing.metrics import SPANS
from serviceexecution.tracing.span import Span
from tests.support.trace_receiver import TraceReceiver, trace_receiver, until
from tests.unit.executions.builders import at


def span(number: int = 1, **members) -> Span:
    known = {"trace_id": "a" * 32, "span_id": f"{number:016x}", "parent_id": None, "name": f"s{number}"}
    return Span(**{**known, "start": at(0), "end": at(1.5), **members})


def counted(outcome: str) -> float:
    return float(SPANS.labels(outcome)._value.get())


@asynccontextmanager
async def running(exporter: TraceExporter) -> AsyncIterator[TraceExporter]:
    task = asyncio.create_task(exporter.run())
    try:
        yield exporter
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def exporter_to(receiver: TraceReceiver, **headers: str) -> TraceExporter:
    return TraceExporter(receiver.url, headers, {"service.name": "test"}, gather=0, pauses=(0, 0))


@pytest.fixture
async def receiver() -> AsyncIterator[TraceReceiver]:
    async with trace_receiver() as found:
        yield found


async def test_spans_arrive_in_the_form_of_otlp(receiver):
    async with running(exporter_to(receiver, Authorization="Bearer key")) as exporter:
        exporter.offer(
            [span(7, parent_id="b" * 16, attributes={"text": "x", "number": 3}, problem="It broke.")]
        )
        (found,) = await receiver.until(1)
    assert found == {
        "traceId": "a" * 32,
        "spanId": "0000000000000007",
        "parentSpanId": "b" * 16,
        "name": "s7",
        "kind": 1,
        "startTimeUnixNano": "1772366400000000000",
        "endTimeUnixNano": "1772366401500000000",
        "attributes": [
            {"key": "text", "value": {"stringValue": "x"}},
            {"key": "number", "value": {"intValue": "3"}},
        ],
        "status": {"code": 2, "message": "It broke."},
    }
    resource = receiver.bodies[0]["resourceSpans"][0]["resource"]
    assert resource == {"attributes": [{"key": "service.name", "value": {"stringValue": "test"}}]}
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert receiver.headers[0]["Authorization"] == "Bearer key"


async def test_a_request_that_was_refused_for_now_is_sent_again(receiver):
    receiver.answers = [web.Response(status=503), web.Response(status=429, headers={"Retry-After": "0"})]
    async with running(exporter_to(receiver)) as exporter:
        exporter.offer([span()])
        await receiver.until(1)
    assert len(receiver.headers) == 3


@pytest.mark.parametrize("status", [400, 401, 302])
async def test_what_is_refused_for_good_is_counted_and_the_next_spans_are_sent(receiver, status):
    before = counted("refused")
    receiver.answers = [web.Response(status=status, headers={"Location": receiver.url})]
    async with running(exporter_to(receiver)) as exporter:
        exporter.offer([span(1), span(2)])
        await until(lambda: counted("refused") >= before + 2)
        exporter.offer([span(3)])
        (found,) = await receiver.until(1)
    assert found["name"] == "s3"
    assert len(receiver.headers) == 2


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ('{"partialSuccess": {"rejectedSpans": "1"}}', 1),
        ('{"partialSuccess": {"rejectedSpans": 99}}', 2),
        ('{"partialSuccess": {"rejectedSpans": "many"}}', 0),
        ('{"partialSuccess": 3}', 0),
        ("[" * 60_000, 0),
        ("not JSON", 0),
        ("", 0),
    ],
)
async def test_an_answer_says_what_was_not_taken_and_may_be_anything(receiver, text, refused):
    before, sent = counted("refused"), counted("sent")
    receiver.answers = [web.Response(text=text)]
    async with running(exporter_to(receiver)) as exporter:
        exporter.offer([span(1), span(2)])
        await until(lambda: counted("refused") + counted("sent") >= before + sent + 2)
    assert counted("refused") == before + refused


async def test_a_collector_that_is_away_costs_spans_and_nothing_else():
    before = counted("unanswered")
    exporter = TraceExporter("http://127.0.0.1:1/v1/traces", {}, {}, gather=0, pauses=(0, 0))
    async with running(exporter):
        exporter.offer([span()])
        await until(lambda: counted("unanswered") > before)


async def test_a_collector_that_hangs_holds_no_more_than_the_queue(receiver):
    receiver.hangs = True
    before = counted("full")
    exporter = exporter_to(receiver)
    async with running(exporter):
        exporter.offer([span()])
        await until(lambda: bool(receiver.headers))
        exporter.offer(span(number) for number in range(MOST_WAITING + 10))
        assert counted("full") == before + 10
        exporter._waiting.clear()  # Else the end would wait for the last try


async def test_what_waits_is_sent_when_the_process_ends(receiver):
    exporter = TraceExporter(receiver.url, {}, {}, gather=3600)
    async with running(exporter):
        exporter.offer([span()])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert len(receiver.spans) == 1


async def test_texts_of_tenants_are_bounded_and_can_be_written(receiver):
    async with running(exporter_to(receiver)) as exporter:
        exporter.offer([span(attributes={"text": "é" * 100_000}, problem="\ud800\x00" * 5000)])
        (found,) = await receiver.until(1)
    assert found["attributes"][0]["value"]["stringValue"] == "é" * 1024
    assert len(found["status"]["message"]) == 1024
    assert "\ud800" not in json.loads(json.dumps(found["status"]["message"]))


def test_where_no_address_is_set_nothing_is_traced():
    assert TraceExporter.of(ProcessSettings(store_url="memory:///"), "test") is None


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("a=b", {"a": "b"}),
        ("Authorization=Basic%20eA%3D%3D, x-scope=t,", {"Authorization": "Basic eA==", "x-scope": "t"}),
        ("a=b=c", {"a": "b=c"}),
    ],
)
def test_headers_are_read_as_opentelemetry_writes_them(text, headers):
    settings = ProcessSettings.from_environment(
        {"SX_STORE_URL": "memory:///", "SX_TRACES_URL": "http://c", "SX_TRACES_HEADERS": text}
    )
    assert settings.traces_headers == headers


@pytest.mark.parametrize("text", ["s3cret", "a b=s3cret", "=s3cret", "a=s3cret%0D%0AHost: x"])
def test_a_wrong_header_is_an_error_that_does_not_say_it(text):
    with pytest.raises(SettingsError, match="SX_TRACES_HEADERS") as raised:
        ProcessSettings.from_environment({"SX_STORE_URL": "memory:///", "SX_TRACES_HEADERS": text})
    assert "s3cret" not in str(raised.value)


def test_a_wrong_address_is_an_error():
    with pytest.raises(SettingsError, match="SX_TRACES_URL"):
        ProcessSettings.from_environment({"SX_STORE_URL": "memory:///", "SX_TRACES_URL": "collector:4318"})
