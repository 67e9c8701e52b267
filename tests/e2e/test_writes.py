"""How many writes a plain execution costs the API server."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from serviceexecution.contract.json_types import JsonObject
from tests.support.audit import AuditLog, counted
from tests.support.operator import Operator
from tests.support.sandbox import Sandbox, program

MOST_WRITES = 6


@pytest.fixture
def audit_path() -> Path:
    path = Path(os.environ.get("SX_AUDIT_LOG", ""))
    if not path.is_file():
        pytest.skip("SX_AUDIT_LOG names no file: only the embedded cluster has an audit log at hand")
    return path


@pytest.mark.alone
def test_plain_success_costs_few_writes(
    sandbox: Sandbox, operator: Operator, audit_path: Path, figure: Callable[[str], None]
) -> None:
    audit = AuditLog(audit_path)
    source = """
import time
print('a program that runs long enough to be seen running')
time.sleep(3)
open('/var/runtime/output/output.json', 'w').write('{"sum": 6}')
"""
    spec: JsonObject = {"runtime": program(source), "input": {"data": {"values": [1, 2, 3]}}}
    final = sandbox.succeed(spec)
    sandbox.wait_for_no_children(final)

    ours = f"system:serviceaccount:{operator.namespace}:"
    writes = audit.writes(ours, namespaces=[sandbox.name])
    counting = [write for write in writes if not write.apart]
    apart = [write for write in writes if write.apart]
    pods = audit.writes(f"system:serviceaccount:{sandbox.name}:", namespaces=[sandbox.name])
    figure(f"writes of a plain execution: {len(counting)} {counted(counting)}; apart: {counted(apart)}")
    assert counting, "the audit log shows nothing of the operator"
    assert len(counting) <= MOST_WRITES, counted(counting)
    assert pods == [], "the program's pod wrote to the API server"
