"""Callers and programs write into our own logs: paths, names, sentences. None of it makes a line or steers a terminal.

Each test fails on 3daed27.
"""

import json
import re
import subprocess
import sys

import pytest
import structlog
from structlog.testing import capture_logs

from serviceexecution.gateway.http.middleware.observe import ObservedApp
from tests.unit.gateway.service_api.service_harness import Service, service

__all__ = ["service"]

ODD = "a\n2026-11-29T00:00:00Z [info     ] key created\x1b]0;title\x07\x9b2J\u202eb"
_LOG = """
import json, logging, sys
import structlog
from serviceexecution.process.logs import configure_logging
configure_logging("INFO", sys.argv[1])
odd = json.loads(sys.argv[2])
log = structlog.stdlib.get_logger("x")
log.info("request", path=odd, bare=odd.replace(" ", ""))
log.info(odd)
logging.getLogger("library").warning("lost %s", odd)
try:
    raise ValueError(odd)
except ValueError:
    log.exception("failed")
"""


def logged(form: str) -> str:
    command = [sys.executable, "-c", _LOG, form, json.dumps(ODD)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("form", ["json", "plain"])
def test_no_text_steers_a_terminal(form):
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", logged(form))


def test_no_text_begins_a_line_for_people():
    lines = logged("plain").splitlines()
    assert not [line for line in lines if line.startswith("2026-11-29T00:00:00Z")]
    assert sum("key created" in line for line in lines) >= 4
    assert any("Traceback" in line for line in lines)


async def test_a_path_of_60_kib_is_no_line_of_60_kib(service: Service):
    app = ObservedApp(service.app)
    scope: dict[str, object] = {
        "type": "http",
        "method": "GET",
        "path": "/" + "é" * 30_000,
        "raw_path": None,
        "headers": [],
        "query_string": b"",
        "client": ("192.0.2.1", 1),
    }

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_):
        pass

    structlog.reset_defaults()
    with capture_logs() as lines:
        await app(scope, receive, send)
    paths = [line["path"] for line in lines if "path" in line]
    assert paths
    assert all(len(path) < 1100 for path in paths)
    assert paths[0].endswith("… (30001 characters)")
