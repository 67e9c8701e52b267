"""The OpenTelemetry Collector itself on our traces: what it takes, it sends on as it came."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.images.binaries import TRACE_PROGRAMS, build_all
from cluster.settings import cache_home
from serviceexecution.executions.trace import spans_of
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.tracing.exporter import TraceExporter
from serviceexecution.tracing.metrics import SPANS
from tests.support.store_servers import free_port
from tests.support.trace_receiver import trace_receiver
from tests.unit.executions.builders import at, earlier, execution, recorded_pod, status

CONFIGURATION = """
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:{port}
exporters:
  otlp_http:
    traces_endpoint: {url}
    encoding: json
    compression: none
service:
  telemetry:
    metrics:
      level: none
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp_http]
"""


@pytest.fixture(scope="module")
def program() -> Path:
    return build_all(cache_home(), TRACE_PROGRAMS) / "otelcol"


@contextmanager
def collector(program: Path, directory: Path, port: int, url: str) -> Iterator[None]:
    """Run a collector that sends on to the address."""
    configuration = directory / "config.yaml"
    configuration.write_text(CONFIGURATION.format(port=port, url=url))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([program, "--config", configuration], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _said(log: Path) -> str:
    return log.read_text()


async def _listening(port: int, log: Path) -> None:
    try:
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientConnectionError):
                    await session.get(f"http://127.0.0.1:{port}/")
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(_said(log)) from None


def _comparable(span: dict[str, Any]) -> dict[str, Any]:
    """Return a span without members that OTLP leaves out or fills in when they say nothing."""
    return {name: value for name, value in span.items() if value not in ({}, [], "", 0)} | {"flags": None}


async def test_a_collector_takes_an_execution_s_spans_and_sends_them_on_as_they_are(
    program: Path, tmp_path: Path
) -> None:
    times = {"admitted": at(31), "scheduled": at(32), "prepared": at(33), "started": at(34), "ended": at(40)}
    ended = status(
        Phase.FAILED,
        "ProgramFailed",
        message='It ended with exit code 3: "ö".',
        attempts=2,
        earlier_attempts=[earlier(1)],
        times=times,
        pod=recorded_pod(2),
        exit_code=3,
        completion_time=at(42),
    )
    spans = spans_of(execution(serviceRef={"name": "sum"}), ended)
    port = free_port("127.0.0.1")
    refused = SPANS.labels("refused")._value.get()
    async with trace_receiver() as behind:
        with collector(program, tmp_path, port, behind.url):
            await _listening(port, tmp_path / "log")
            url = f"http://127.0.0.1:{port}/v1/traces"
            exporter = TraceExporter(url, {}, {"service.name": "serviceexecution-controller"}, gather=0)
            sending = asyncio.create_task(exporter.run())
            exporter.offer(spans)
            try:
                await behind.until(len(spans))
            except TimeoutError:
                raise AssertionError(_said(tmp_path / "log")) from None
            finally:
                sending.cancel()
                with suppress(asyncio.CancelledError):
                    await sending
    came = [_comparable(span) for span in behind.spans]
    assert came == [_comparable(dict(span.as_otlp())) for span in spans]
    resource = behind.bodies[0]["resourceSpans"][0]["resource"]["attributes"]
    assert resource == [{"key": "service.name", "value": {"stringValue": "serviceexecution-controller"}}]
    assert SPANS.labels("refused")._value.get() == refused
