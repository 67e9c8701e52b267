"""What tests of the door for collectors share."""

from serviceexecution.resources.reference import ExecutionReference

ODD = ["manifest.json", "log/x", "new\nline", "ends\n", "%41", "q?x=1#2", " a b ", "a#1", "\u00fc", "u\u0308",
       "n" * 255, ".hidden", "back\\slash", "d/e/\ufffd", "a;b=c&d+e"]  # fmt: skip


def code_of(response):
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    return response.status_code, body["code"]


def add_pods(gateway, count, namespace="team-a"):
    """Return the headers of so many programs' tokens."""
    found = []
    for number in range(count):
        ref = ExecutionReference(namespace, f"x{number}", f"uid-{namespace}-{number}")
        gateway.kubernetes.add_execution(ref, pod=f"{namespace}-{number}", token=f"{namespace}-{number}")
        found.append({"Authorization": f"Bearer {namespace}-{number}"})
    return found
