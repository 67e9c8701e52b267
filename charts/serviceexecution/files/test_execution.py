"""`helm test`: runs one tiny ServiceExecution and waits until its result is kept. Standard library only."""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
NAMESPACE = os.environ["TEST_NAMESPACE"]
COLLECTION = f"/apis/serviceexecution.dev/v1alpha1/namespaces/{NAMESPACE}/serviceexecutions"
PROGRAM = (
    "import json; from pathlib import Path; "
    "values = json.loads(Path('/var/runtime/input/values.json').read_text()); "
    "Path('/var/runtime/output/output.json').write_text(json.dumps({'sum': sum(values)}))"
)
TLS = ssl.create_default_context(cafile=str(SERVICE_ACCOUNT / "ca.crt"))


def call(method, path, body=None):
    """Send one request to the API server and return the object that it answers with."""
    host = os.environ["KUBERNETES_SERVICE_HOST"]
    host = f"[{host}]" if ":" in host else host
    request = urllib.request.Request(
        f"https://{host}:{os.environ['KUBERNETES_SERVICE_PORT']}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {(SERVICE_ACCOUNT / 'token').read_text()}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=30, context=TLS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}")


def main():
    """Exit 0 when the execution succeeded with the right result."""
    manifest = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "metadata": {"generateName": "helm-test-"},
        "spec": {
            "runtime": {
                "docker": {"image": os.environ["TEST_IMAGE"], "command": ["python3", "-c", PROGRAM]}
            },
            "input": {"values": [1, 2, 3]},
            "imagePullSecrets": json.loads(os.environ["TEST_IMAGE_PULL_SECRETS"]),
            "resources": {
                "requests": {"cpu": "10m", "memory": "32Mi"},
                "limits": {"cpu": "1", "memory": "128Mi"},
            },
        },
    }
    execution = call("POST", COLLECTION, manifest)
    path = f"{COLLECTION}/{execution['metadata']['name']}"
    deadline = time.monotonic() + float(os.environ["TEST_TIMEOUT_SECONDS"])
    shown = ""
    try:
        while time.monotonic() < deadline:
            status = call("GET", path).get("status", {})
            phase = status.get("phase", "not seen by the controller yet")
            line = f"{phase}: {status.get('reason', '')} {status.get('message', '')}".strip()
            if line != shown:
                print(line, flush=True)
                shown = line
            if phase == "Succeeded":
                output = status.get("result", {}).get("output", "")
                if json.loads(output or "null") != {"sum": 6}:
                    sys.exit(f'The result should be {{"sum": 6}}, but is {output!r}.')
                print(f"Result: {output}")
                return
            if phase in {"Failed", "Cancelled"}:
                sys.exit("The test execution did not succeed.")
            time.sleep(1)
        sys.exit(f"The test execution did not end in time; it is {shown}")
    finally:
        call("DELETE", path)


main()
