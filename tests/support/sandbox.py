"""One test's own namespace, and what tests do in it: create executions, wait for them, look at what they left."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    EVENTS,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SERVICE_EXECUTIONS,
    ResourceKind,
)
from serviceexecution.resources.names import API_GROUP, API_VERSION, KIND, LABEL_EXECUTION_UID
from tests.support.accounts import account_token
from tests.support.cluster import (
    NAMESPACES,
    SECRETS,
    Cluster,
    member,
    name_of,
    uid_of,
)

IMAGE: Final = "localhost/test-program:1"
TERMINAL: Final = frozenset({"Succeeded", "Failed", "Cancelled"})
DEADLINE: Final = 90
"""Seconds that an ordinary short execution may take from creation to its end on a busy machine."""

NAMESPACE_LABEL: Final = "serviceexecution.dev/test"
_CHILDREN: Final = (JOBS, PODS, CONFIG_MAPS)


def program(source: str, *, image: str = IMAGE) -> JsonObject:
    """Return a runtime that runs a Python source."""
    return {"docker": {"image": image, "command": ["python3", "-c", source]}}


def shell(script: str, *, image: str = IMAGE) -> JsonObject:
    """Return a runtime that runs a shell script."""
    return {"docker": {"image": image, "command": ["sh", "-c", script]}}


class Sandbox:
    """A namespace of a random name. Pods in it must pass Pod Security ``level``."""

    def __init__(self, cluster: Cluster, *, level: str = "restricted") -> None:
        self.cluster = cluster
        self.name = f"sx-{secrets.token_hex(4)}"
        labels: JsonObject = {NAMESPACE_LABEL: "true", "pod-security.kubernetes.io/enforce": level}
        cluster.create(NAMESPACES, None, {"metadata": {"name": self.name, "labels": labels}})
        self._viewer_token = ""

    def close(self) -> None:
        """Delete the namespace; does not wait for it."""
        self.cluster.delete(NAMESPACES, None, self.name)

    # Executions

    def create(
        self, spec: JsonObject, *, name: str = "run", annotations: Mapping[str, str] | None = None
    ) -> JsonObject:
        """Create an execution; raises ApiError with what the API server says."""
        manifest: JsonObject = {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": KIND,
            "metadata": {"name": name, "annotations": dict(annotations or {})},
            "spec": spec,
        }
        return self.cluster.create(SERVICE_EXECUTIONS, self.name, manifest)

    def run(self, spec: JsonObject, *, name: str = "run", seconds: float = DEADLINE) -> JsonObject:
        """Create an execution and return it in its final phase."""
        self.create(spec, name=name)
        return self.wait_for_end(name, seconds=seconds)

    def succeed(self, spec: JsonObject, *, name: str = "run", seconds: float = DEADLINE) -> JsonObject:
        """As ``run``; the execution must succeed."""
        final = self.run(spec, name=name, seconds=seconds)
        assert phase_and_reason(final) == ("Succeeded", "Succeeded"), member(final, "status", "message")
        return final

    def wait_for_end(self, name: str = "run", *, seconds: float = DEADLINE) -> JsonObject:
        """Return the execution in its final phase."""
        return self.cluster.wait_for(
            SERVICE_EXECUTIONS,
            self.name,
            name,
            lambda found: member(found, "status", "phase") in TERMINAL,
            seconds=seconds,
            what=f"the end of {name}",
        )

    def wait_for_reason(self, reason: str, name: str = "run", *, seconds: float = DEADLINE) -> JsonObject:
        """Return the execution as soon as its status has that reason; fails at once when it ends otherwise."""
        found = self.cluster.wait_for(
            SERVICE_EXECUTIONS,
            self.name,
            name,
            lambda item: (
                member(item, "status", "reason") == reason or member(item, "status", "phase") in TERMINAL
            ),
            seconds=seconds,
            what=f"reason {reason} of {name}",
        )
        assert member(found, "status", "reason") == reason, found.get("status")
        return found

    def wait_for_running(self, name: str = "run", *, seconds: float = DEADLINE) -> JsonObject:
        """Return the execution when its program runs."""
        return self.wait_for_reason("Running", name, seconds=seconds)

    def get(self, name: str = "run") -> JsonObject:
        """Return the execution as it is."""
        found = self.cluster.get(SERVICE_EXECUTIONS, self.name, name)
        assert found is not None, f"{name} is gone"
        return found

    def cancel(self, name: str = "run") -> None:
        """Ask for cancellation as ``kubectl patch`` does."""
        self.cluster.patch(SERVICE_EXECUTIONS, self.name, name, {"spec": {"cancel": True}})

    def delete(self, name: str = "run") -> None:
        """Delete an execution."""
        self.cluster.delete(SERVICE_EXECUTIONS, self.name, name)

    # What belongs to an execution

    def wait_for_log(self, text: str, name: str = "run", *, seconds: float = DEADLINE) -> JsonObject:
        """Return the pod as soon as its program has printed ``text``."""
        pod = self.wait_for_pod(name, seconds=seconds)
        self.cluster.follow_log_until(self.name, name_of(pod), "main", text, seconds=seconds)
        return pod

    def wait_for_pod(
        self, name: str = "run", *, running: bool = True, seconds: float = DEADLINE
    ) -> JsonObject:
        """Return the execution's pod, when its program runs."""

        def ready(found: Mapping[str, JsonObject]) -> bool:
            return any(not running or main_state(pod) in {"running", "terminated"} for pod in found.values())

        labels = f"{LABEL_EXECUTION_UID}={uid_of(self.get(name))}"
        found = self.cluster.wait_for_all(
            PODS, self.name, ready, labels=labels, seconds=seconds, what=f"the pod of {name}"
        )
        return next(iter(found.values()))

    def wait_for_job(self, name: str = "run", *, seconds: float = DEADLINE) -> JsonObject:
        """Return the execution's Job."""
        labels = f"{LABEL_EXECUTION_UID}={uid_of(self.get(name))}"
        found = self.cluster.wait_for_all(
            JOBS, self.name, bool, labels=labels, seconds=seconds, what=f"the Job of {name}"
        )
        return next(iter(found.values()))

    def wait_for_no_children(self, execution: JsonObject, *, seconds: float = 60) -> None:
        """Wait until no Job and no pod of the execution is there any more."""
        for kind in (JOBS, PODS):
            self.cluster.wait_until_gone(
                kind, self.name, labels=f"{LABEL_EXECUTION_UID}={uid_of(execution)}", seconds=seconds
            )

    def children(self, execution: JsonObject) -> dict[str, list[str]]:
        """Return the names of all Jobs, pods and ConfigMaps that carry the execution's label."""
        labels = f"{LABEL_EXECUTION_UID}={uid_of(execution)}"
        return {
            kind.plural: [name_of(item) for item in self.cluster.select(kind, self.name, labels=labels)]
            for kind in _CHILDREN
        }

    def events(self, about: JsonObject) -> list[JsonObject]:
        """Return the Events about an object."""
        return self.cluster.select(EVENTS, self.name, fields=f"involvedObject.uid={uid_of(about)}")

    # What an execution may name

    def secret(self, name: str, **values: str) -> None:
        """Create a Secret."""
        data: JsonObject = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.cluster.create(SECRETS, self.name, {"metadata": {"name": name}, "data": data})

    def config_map(self, name: str, data: Mapping[str, str], *, immutable: bool = False) -> None:
        """Create a ConfigMap."""
        manifest: JsonObject = {"metadata": {"name": name}, "data": dict(data), "immutable": immutable}
        self.cluster.create(CONFIG_MAPS, self.name, manifest)

    def claim(
        self,
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        storage_class: str | None = None,
        size: str = "64Mi",
    ) -> None:
        """Create a PersistentVolumeClaim, of the default class unless another is named."""
        spec: JsonObject = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
        }
        if storage_class is not None:
            spec["storageClassName"] = storage_class
        metadata: JsonObject = {"name": name, "labels": dict(labels or {})}
        self.cluster.create(PERSISTENT_VOLUME_CLAIMS, self.name, {"metadata": metadata, "spec": spec})

    def fill(self, claims: Mapping[str, Mapping[str, str]]) -> None:
        """Write files into claims (claim → path → text) by an execution that mounts them writable."""
        pools: JsonObject = {
            f"p{number}": {"persistentVolumeClaim": {"claimName": claim}, "readOnly": False}
            for number, claim in enumerate(claims)
        }
        files = {f"p{number}": dict(files) for number, files in enumerate(claims.values())}
        source = (
            "import pathlib\n"
            f"for pool, files in {files!r}.items():\n"
            "    for path, text in files.items():\n"
            "        file = pathlib.Path('/var/runtime/datapool', pool, path)\n"
            "        file.parent.mkdir(parents=True, exist_ok=True)\n"
            "        file.write_text(text)\n"
        )
        self.succeed({"runtime": program(source), "dataPools": pools}, name="fill")

    def bare_pod(self, script: str, *, claim: str) -> None:
        """Run a shell script in a pod that is nobody's, with a claim at ``/claim``; returns at its end."""
        restricted: JsonObject = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        user: JsonObject = {"runAsUser": 65532, "runAsNonRoot": True, "fsGroup": 65532}
        spec: JsonObject = {
            "restartPolicy": "Never",
            "securityContext": {**user, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "main",
                    "image": IMAGE,
                    "command": ["sh", "-c", script],
                    "securityContext": restricted,
                    "volumeMounts": [{"name": "claim", "mountPath": "/claim"}],
                }
            ],
            "volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": claim}}],
        }
        self.cluster.create(PODS, self.name, {"metadata": {"name": "bare"}, "spec": spec})
        self.cluster.wait_for(
            PODS,
            self.name,
            "bare",
            lambda pod: member(pod, "status", "phase") == "Succeeded",
            seconds=60,
            what="the bare pod's end",
        )

    def token(self) -> str:
        """Return a token of a ServiceAccount that has the cluster's own role ``view`` in this namespace."""
        if not self._viewer_token:
            self._viewer_token = account_token(self.cluster, self.name, "viewer", "view")
        return self._viewer_token


def main_state(pod: JsonObject) -> str:
    """Return ``waiting``, ``running``, ``terminated`` or, before there is a state, ``""``."""
    statuses = cast("Sequence[JsonObject]", member(pod, "status", "containerStatuses") or [])
    for status in statuses:
        state = status.get("state")
        if status.get("name") == "main" and isinstance(state, dict):
            return next(iter(state), "")
    return ""


def phase_and_reason(execution: JsonObject) -> tuple[JsonValue, JsonValue]:
    """Return both, for one assertion."""
    return member(execution, "status", "phase"), member(execution, "status", "reason")


def kinds_to_report() -> tuple[ResourceKind, ...]:
    """Return what a failure report shows of a namespace."""
    return (SERVICE_EXECUTIONS, JOBS, PODS, PERSISTENT_VOLUME_CLAIMS)
