# ruff: noqa: INP001, T201 - a program of its own, whose prints are its log
"""`helm test`: runs one tiny ServiceExecution and waits until its result is kept. Standard library only."""

import json
import os
import ssl
import sys
import time
from http.client import HTTPSConnection
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | bool | None"

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
COLLECTION = (
    f"/apis/serviceexecution.dev/v1alpha1/namespaces/{os.environ['TEST_NAMESPACE']}/serviceexecutions"
)
PROGRAM = (
    "import json; from pathlib import Path; "
    "values = json.loads(Path('/var/runtime/input/values.json').read_text()); "
    "Path('/var/runtime/output/output.json').write_text(json.dumps({'sum': sum(values)}))"
)
EXECUTION: Json = {
    "apiVersion": "serviceexecution.dev/v1alpha1",
    "kind": "ServiceExecution",
    "metadata": {"generateName": "helm-test-"},
    "spec": {
        "runtime": {"docker": {"image": os.environ["TEST_IMAGE"], "command": ["python3", "-c", PROGRAM]}},
        "input": {"values": [1, 2, 3]},
        "imagePullSecrets": json.loads(os.environ["TEST_IMAGE_PULL_SECRETS"]),
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"cpu": "1", "memory": "128Mi"},
        },
    },
}


def call(method: str, path: str, body: Json = None) -> Json:
    """Send one request to the API server and return what it answers with; exits when it refuses."""
    connection = HTTPSConnection(
        os.environ["KUBERNETES_SERVICE_HOST"],
        int(os.environ["KUBERNETES_SERVICE_PORT"]),
        timeout=30,
        context=ssl.create_default_context(cafile=str(SERVICE_ACCOUNT / "ca.crt")),
    )
    token = (SERVICE_ACCOUNT / "token").read_text()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    if answer.status >= 400:
        sys.exit(f"{method} {path}: {answer.status} {text}")
    found: Json = json.loads(text)
    return found


def member(value: Json, *path: str) -> str:
    """Return the text that stands at ``path``, or an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def wait_for_end(path: str) -> None:
    """Return when the execution has succeeded with the right result; exits otherwise, saying what is wrong."""
    deadline = time.monotonic() + float(os.environ["TEST_TIMEOUT_SECONDS"])
    shown = ""
    while time.monotonic() < deadline:
        execution = call("GET", path)
        phase = member(execution, "status", "phase") or "Not seen by the controller yet"
        line = f"{phase}: {member(execution, 'status', 'message')}".removesuffix(": ")
        if line != shown:
            print(line, flush=True)
            shown = line
        if phase == "Succeeded":
            output = member(execution, "status", "result", "output")
            if json.loads(output or "null") != {"sum": 6}:
                sys.exit(f'The result should be {{"sum": 6}}, but is {output!r}.')
            print(f"Result: {output}")
            return
        if phase in {"Failed", "Cancelled"}:
            sys.exit("The test execution did not succeed.")
        time.sleep(1)
    sys.exit(f"The test execution did not end in time. {shown}")


def main() -> None:
    """Exit 0 when an execution works from its creation to its result."""
    path = f"{COLLECTION}/{member(call('POST', COLLECTION, EXECUTION), 'metadata', 'name')}"
    try:
        wait_for_end(path)
    finally:
        call("DELETE", path)


main()
