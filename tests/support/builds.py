"""Builds of a sandbox as tests ask for them: archives, uploads, definitions, revisions, and runs of what was built."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_DEFINITIONS
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND, LABEL_DEFINITION_UID
from tests.support.accounts import account_token
from tests.support.cluster import member, uid_of
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox

Files = Mapping[str, str | bytes]
Source = Files | bytes | Mapping[str, object]
"""Files, an archive, or what stands in ``spec.source``."""

BUILD_SECONDS: Final = 240
"""How long a build of a test may take on two busy cores."""
ENDED: Final = frozenset({"Succeeded", "Failed", "Cancelled", "Superseded"})
BUSYBOX: Final = "docker.io/library/busybox:1.35.0"
PYTHON: Final[JsonObject] = {"python": {"version": "3.11"}}
DOCKERFILE: Final[JsonObject] = {"docker": {"build": {}}}

ADDER: Final[Files] = {
    "requirements.txt": "",
    "src/__init__.py": "",
    "src/program.py": (
        "from typing import Any, Dict\n\n\n"
        "def run(data: Dict[str, Any]) -> Dict[str, Any]:\n"
        "    print('adding', len(data['values']), 'values')\n"
        "    return {'sum': sum(data['values'])}\n"
    ),
}
"""The smallest Python project."""


def shell_project(text: str, *instructions: str) -> Files:
    """Return a Dockerfile project whose result is ``{"text": text}``."""
    lines = [
        f"FROM {BUSYBOX}",
        *instructions,
        f'CMD ["sh", "-c", "printf \'{{\\"text\\": \\"{text}\\"}}\' > /var/runtime/output/output.json"]',
    ]
    return {"Dockerfile": "\n".join(lines) + "\n"}


def archive(files: Files) -> bytes:
    """Return a tar.gz of the files, the same bytes for the same files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as target:
        for path, content in sorted(files.items()):
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            entry.mode = 0o644
            target.addfile(entry, io.BytesIO(data))
    raw = bytearray(packed.getvalue())
    raw[4:8] = bytes(4)  # gzip's time
    return bytes(raw)


@dataclass
class Builds:
    """The builds of a sandbox."""

    sandbox: Sandbox
    gateway: Gateway
    _token: str = ""

    @property
    def token(self) -> str:
        """Return a token of an account that has the cluster's own role ``edit`` in the sandbox."""
        if not self._token:
            self._token = account_token(self.sandbox.cluster, self.sandbox.name, "developer", "edit")
        return self._token

    def upload(self, data: bytes) -> str:
        """Upload an archive; return its digest."""
        digest = hashlib.sha256(data).hexdigest()
        url = f"{self.gateway.address}/api/v1/namespaces/{self.sandbox.name}/sources/{digest}"
        answer = self.gateway.send("PUT", url, self.token, content=data)
        assert answer.status_code in {200, 201}, answer.text
        return f"sha256:{digest}"

    def define(
        self,
        source: Source,
        runtime: JsonObject = PYTHON,
        *,
        name: str = "service",
        **spec: object,
    ) -> JsonObject:
        """Create a service from files, from an archive's bytes, or from ``spec.source`` as it is given."""
        manifest: JsonObject = {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": DEFINITION_KIND,
            "metadata": {"name": name},
            "spec": cast("JsonObject", {"runtime": runtime, "source": self.uploaded(source), **spec}),
        }
        return self.sandbox.cluster.create(SERVICE_DEFINITIONS, self.sandbox.name, manifest)

    def change(self, name: str = "service", *, source: Source | None = None, **spec: object) -> JsonObject:
        """Patch a service's spec; ``source`` is uploaded first."""
        wanted: dict[str, object] = dict(spec)
        if source is not None:
            wanted["source"] = self.uploaded(source)
        patch = cast("JsonObject", {"spec": wanted})
        return self.sandbox.cluster.patch(SERVICE_DEFINITIONS, self.sandbox.name, name, patch)

    def uploaded(self, source: Source) -> JsonObject:
        """Return the ``spec.source`` of files or an archive, which are uploaded; one that is given stays as it is."""
        if isinstance(source, bytes):
            return {"archive": {"digest": self.upload(source)}}
        if set(source) & {"archive", "git"}:
            return cast("JsonObject", source)
        return {"archive": {"digest": self.upload(archive(cast("Files", source)))}}

    def definition(self, name: str = "service") -> JsonObject:
        """Return the service."""
        found = self.sandbox.cluster.get(SERVICE_DEFINITIONS, self.sandbox.name, name)
        assert found is not None
        return found

    def wait_for_end(
        self, revision: str = "r1", name: str = "service", *, seconds: float = BUILD_SECONDS
    ) -> JsonObject:
        """Return the revision when its build has ended."""
        found = self.sandbox.cluster.wait_for(
            SERVICE_DEFINITIONS,
            self.sandbox.name,
            name,
            lambda item: revision_of(item, revision).get("phase") in ENDED,
            seconds=seconds,
            what=f"the end of build {revision} of {name}",
        )
        return revision_of(found, revision)

    def wait_for_phase(
        self, phase: str, revision: str = "r1", name: str = "service", *, seconds: float = 120
    ) -> JsonObject:
        """Return the revision as soon as it is in that phase."""
        found = self.sandbox.cluster.wait_for(
            SERVICE_DEFINITIONS,
            self.sandbox.name,
            name,
            lambda item: revision_of(item, revision).get("phase") in {phase, *ENDED},
            seconds=seconds,
            what=f"build {revision} of {name} is {phase}",
        )
        assert revision_of(found, revision).get("phase") == phase, found.get("status")
        return revision_of(found, revision)

    def succeed(
        self, revision: str = "r1", name: str = "service", *, seconds: float = BUILD_SECONDS
    ) -> JsonObject:
        """As ``wait_for_end``; the build must succeed."""
        found = self.wait_for_end(revision, name, seconds=seconds)
        assert found.get("phase") == "Succeeded", f"{found}\n{self.log(revision, name)}"
        return found

    def log(self, revision: str = "r1", name: str = "service") -> str:
        """Return the build's log."""
        path = f"/namespaces/{self.sandbox.name}/services/{name}/builds/{revision}/log"
        return self.gateway.request("GET", path, self.token).text

    def leftovers(self, definition: JsonObject) -> list[str]:
        """Return the Jobs and pods that builds of the service have left."""
        selector = f"{LABEL_DEFINITION_UID}={uid_of(definition)}"
        return [
            f"{kind.plural}/{member(item, 'metadata', 'name')}"
            for kind in (JOBS, PODS)
            for item in self.sandbox.cluster.select(kind, self.sandbox.name, labels=selector)
        ]

    def wait_until_clean(self, definition: JsonObject, *, seconds: float = 60) -> None:
        """Wait until no Job and no pod of the service's builds is left."""
        selector = f"{LABEL_DEFINITION_UID}={uid_of(definition)}"
        for kind in (JOBS, PODS):
            self.sandbox.cluster.wait_until_gone(kind, self.sandbox.name, labels=selector, seconds=seconds)


def result_of(execution: JsonObject) -> JsonValue:
    """Return the execution's main result, parsed; None when there is none."""
    text = member(execution, "status", "result", "output")
    return None if text is None else cast("JsonValue", json.loads(str(text)))


def revision_of(definition: JsonObject, name: str) -> JsonObject:
    """Return a revision of the service's status; empty when there is none of that name."""
    listed = cast("list[JsonObject]", member(definition, "status", "revisions") or [])
    return next((one for one in listed if one.get("name") == name), {})


def seconds_of(revision: JsonObject) -> float:
    """Return how long the build took, from being asked for to its end."""
    start, end = (datetime.fromisoformat(str(revision[field])) for field in ("startTime", "completionTime"))
    return (end - start).total_seconds()
