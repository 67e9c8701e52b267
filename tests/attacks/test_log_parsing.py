"""What a program prints is parsed beside the event loops of gateway and controller, or not at all."""

import threading
import time

import pytest

from serviceexecution.contract import log_entries
from serviceexecution.contract.json_text import is_object
from serviceexecution.contract.stdout_results import INTERIM_PREFIX, RESULT_PREFIX
from serviceexecution.gateway.logs.events import pieces
from serviceexecution.gateway.service_api.executions.interim_results import InterimResults
from serviceexecution.logs.chunks import ChunkLog
from serviceexecution.logs.scanner import LogScanner
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore

REFERENCE = ExecutionReference("team", "sum", "u")
DENSE = '{"level": 50, "a": [' + "[]," * 80_000 + "0]}"
"""A quarter of a megabyte of JSON that takes some 60 ms to parse."""


@pytest.fixture
def threads(monkeypatch):
    """Return the threads in which texts are parsed, as they are."""
    found = []
    true = is_object

    def noting(text):
        found.append(threading.current_thread())
        return true(text)

    monkeypatch.setattr("serviceexecution.contract.stdout_results.is_object", noting)
    return found


def test_the_controller_parses_no_interim_results(threads):
    """Each of them took 60 ms of its event loop, as often as a program could print them; nobody there wanted any."""
    scanner = LogScanner()
    for _ in range(3):
        scanner.feed(f"2026-01-01T00:00:00Z {INTERIM_PREFIX} {DENSE}\n".encode())
    assert threads == []


async def test_the_controller_parses_a_large_result_beside_its_event_loop(threads):
    store = ResultStore.open("memory:///", "c")
    log = ChunkLog(store, REFERENCE, attempt=1, limit_bytes=10**9, flush_bytes=10**6)
    log.append(f"2026-01-01T00:00:00Z {RESULT_PREFIX} {DENSE}\n".encode())
    assert threads == []
    record = await log.commit(pod_uid="p", complete=True)
    assert record.stdout_result is not None
    assert threads
    assert threading.main_thread() not in threads


async def test_the_gateway_parses_large_interim_results_beside_its_event_loop(threads):
    store = ResultStore.open("memory:///", "c")
    line = f"2026-01-01T00:00:00Z {INTERIM_PREFIX} {DENSE}\n"
    await store.logs.of(REFERENCE, 1).write(1, (line * 3).encode())
    found = await InterimResults(store).read(REFERENCE, 1)
    assert found == (DENSE,)
    assert len(threads) == 3
    assert threading.main_thread() not in threads


@pytest.mark.parametrize(
    "line",
    [
        '{"level": 50, "a": [' + "[]," * 1_300_000 + "0]}",
        "\x1b[0m" * 1_000_000,
        '{"a":"b",' * 400_000,
        "x=" * 2_000_000,
    ],
    ids=lambda line: line[:12],
)
def test_the_severity_of_a_line_of_megabytes_is_seen_at_its_beginning(monkeypatch, line):
    """A line of four megabytes took more than half a second of the gateway's event loop, each time that it was read."""

    def never(text):
        pytest.fail("the whole line is parsed")

    monkeypatch.setattr(log_entries, "_json_severity", never)
    started = time.process_time()
    severity = log_entries.severity_of(line)
    assert time.process_time() - started < 0.1
    assert severity == ("ERROR" if line.startswith('{"level"') else "INFO")


def test_lines_of_a_stream_are_converted_in_pieces_by_their_characters():
    texts = ["a" * 300_000, "b", "c" * 100_000, "d" * 100_000, *["e"] * 600]
    found = list(pieces(texts, 500))
    assert [end for _, end in found] == [1, 3, 4 + 500 - 1, 604]
    assert [start for start, _ in found] == [0, *(end for _, end in found[:-1])]
    assert list(pieces([], 500)) == []
