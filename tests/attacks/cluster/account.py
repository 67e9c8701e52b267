"""One ServiceAccount as whoever has stolen its token: what it may do is what the API server lets this token do."""

import base64
import json
import ssl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from serviceexecution.contract.json_types import JsonObject
from tests.cluster.kubectl import kubectl, must

OPERATOR_NAMESPACE: Final = "serviceexecution-system"
MERGE_PATCH: Final = "application/merge-patch+json"


@dataclass(frozen=True)
class Account:
    """Requests with the token of a ServiceAccount of the operator and nothing else. All writes are dry runs."""

    http: httpx.Client

    @classmethod
    @contextmanager
    def of(cls, name: str) -> "Iterator[Account]":
        """Take a token as an administrator can."""
        token = must("create", "token", name, f"--namespace={OPERATOR_NAMESPACE}").strip()
        (entry,) = json.loads(must("config", "view", "--raw", "--minify", "--flatten", "--output=json"))[
            "clusters"
        ]
        roots = base64.b64decode(entry["cluster"]["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=roots)
        with httpx.Client(
            base_url=entry["cluster"]["server"],
            headers={"Authorization": f"Bearer {token}"},
            verify=context,
            timeout=60,
        ) as http:
            yield cls(http)

    def create(self, path: str, manifest: JsonObject) -> httpx.Response:
        """POST to a collection or a subresource."""
        return self.http.post(path, params={"dryRun": "All"}, json=manifest)

    def patch(self, path: str, change: JsonObject) -> httpx.Response:
        """Apply a merge patch."""
        head = {"Content-Type": MERGE_PATCH}
        return self.http.patch(path, params={"dryRun": "All"}, headers=head, content=json.dumps(change))

    def delete(self, path: str) -> httpx.Response:
        """Delete an object."""
        return self.http.delete(path, params={"dryRun": "All"})

    def get(self, path: str) -> httpx.Response:
        """Read an object or a collection."""
        return self.http.get(path)


@contextmanager
def tenant_namespace() -> Iterator[str]:
    """Make somebody's namespace, which goes at the end."""
    name = f"attack-{uuid.uuid4().hex[:8]}"
    must("create", "namespace", name)
    try:
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


def make_foreign_objects(namespace: str) -> None:
    """Make a Secret and a ConfigMap that are none of the operator's, both called ``theirs``."""
    for kind in (("secret", "generic"), ("configmap",)):
        must("create", *kind, "theirs", f"--namespace={namespace}", "--from-literal=a=b")


def refusal(answer: httpx.Response) -> str:
    """Return why the API server has refused; fails when it has not."""
    assert answer.status_code in {403, 422}, f"{answer.status_code} {answer.text}"
    return str(answer.json()["message"])


def accepted(answer: httpx.Response) -> None:
    """Fail with the API server's words unless it would have done it."""
    assert answer.status_code in {200, 201}, answer.text


def may(account: str, verb: str, resource: str, namespace: str = "default") -> bool:
    """Tell whether an account of the operator has a right, asked as an administrator; ``pods`` or ``pods/log``."""
    plural, _, subresource = resource.partition("/")  # for kubectl what follows a slash is a name
    where = (f"--as=system:serviceaccount:{OPERATOR_NAMESPACE}:{account}", f"--namespace={namespace}")
    asked = kubectl(*where, "auth", "can-i", verb, plural, f"--subresource={subresource}")
    assert asked.stdout.strip() in {"yes", "no"}, asked.stderr
    return asked.stdout.strip() == "yes"


def merged(base: JsonObject, change: JsonObject) -> JsonObject:
    """Return ``base`` with a JSON merge patch applied."""
    found: JsonObject = {name: value for name, value in base.items() if change.get(name, "") is not None}
    for name, value in change.items():
        before = found.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            found[name] = merged(before, value)
        elif value is not None:
            found[name] = value
    return found
