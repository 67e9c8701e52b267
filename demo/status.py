"""What an execution's status says, for the demo's purposes. Pure."""

import hashlib
import json
from dataclasses import dataclass

from demo.errors import DemoError
from demo.samples import EXPECTED
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase, ResultFile


@dataclass(frozen=True, slots=True)
class Shown:
    """What one line tells of a status."""

    phase: str
    reason: str
    message: str


def status_of(execution: JsonObject) -> ExecutionStatus:
    """Return the status of a ServiceExecution as the API server gives it."""
    return ExecutionStatus.model_validate(execution.get("status") or {})


def shown(status: ExecutionStatus) -> Shown | None:
    """Return what to print of a status, None when the controller has not written any yet."""
    if status.phase is None:
        return None
    return Shown(status.phase.value, status.reason or "", status.message or "")


def check_result(status: ExecutionStatus) -> str:
    """Return the main result's text; raises DemoError when it is not the expected one."""
    if status.phase is not Phase.SUCCEEDED:
        phase = status.phase.value if status.phase is not None else "unknown"
        raise DemoError(f"The execution should have succeeded but is {phase}: {status.message}")
    text = status.result.output if status.result is not None else None
    if text is None:
        raise DemoError("The execution succeeded but its status holds no result.")
    try:
        value = json.loads(text)
    except ValueError:
        raise DemoError(f"The result is not JSON: {text!r}") from None
    if value != EXPECTED:
        raise DemoError(f"The result should be {json.dumps(EXPECTED)} but is {text.strip()}.")
    return text.strip()


def find_file(status: ExecutionStatus, name: str) -> ResultFile:
    """Return what status says of an output file; raises DemoError when it does not know it."""
    files = status.result.files if status.result is not None else ()
    for file in files:
        if file.name == name:
            return file
    raise DemoError(f"The status should list the output file {name} but lists {[f.name for f in files]}.")


def check_content(file: ResultFile, content: bytes) -> None:
    """Raise DemoError unless ``content`` has the size and the SHA-256 that the status tells."""
    digest = hashlib.sha256(content).hexdigest()
    if len(content) != file.size or digest != file.sha256:
        raise DemoError(
            f"{file.name} should have {file.size} bytes with SHA-256 {file.sha256}, but the gateway gave "
            f"{len(content)} bytes with {digest}."
        )


def check_log(status: ExecutionStatus, text: str) -> None:
    """Raise DemoError unless the kept log is as long as the status tells, and whole."""
    log = status.log
    if log is None:
        raise DemoError("The execution succeeded but its status says nothing of its log.")
    lines = len(text.splitlines())
    if log.truncated or lines != log.lines:
        raise DemoError(f"The log should be whole with {log.lines} lines, but the gateway gave {lines}.")
