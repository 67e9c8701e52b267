"""Dynamic volumes of the embedded cluster: a directory per claim, writable for every user, removed with its claim.

Run inside the cluster's namespaces as `python -m cluster.node.provisioner KUBECONFIG DIRECTORY`. It lists claims and
volumes again on every pass, woken by a watch on claims and at the latest after a few seconds; standard library and
YAML only.
"""

import base64
import http.client
import json
import shutil
import ssl
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import yaml

PROVISIONER: Final = "embedded.serviceexecution.dev/directory"
_CLAIMS: Final = "/api/v1/persistentvolumeclaims"
_VOLUMES: Final = "/api/v1/persistentvolumes"
_CLASSES: Final = "/apis/storage.k8s.io/v1/storageclasses"
_RESYNC_SECONDS: Final = 5.0
_WATCH_SECONDS: Final = 300
_REQUEST_TIMEOUT_SECONDS: Final = 30.0

JsonObject: TypeAlias = dict[str, "JsonValue"]
JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | JsonObject | None"


class ApiError(Exception):
    """The API server answered with an unexpected status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:200]}")
        self.status = status


@dataclass(frozen=True)
class Api:
    """Requests to the API server as the kubeconfig's only user."""

    host: str
    port: int
    context: ssl.SSLContext

    @staticmethod
    def from_kubeconfig(path: Path) -> "Api":
        config = yaml.safe_load(path.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(base64.b64decode(user["client-certificate-data"]))
            pair.write(base64.b64decode(user["client-key-data"]))
            pair.flush()
            context.load_cert_chain(pair.name)
        server = urlsplit(cluster["server"])
        return Api(server.hostname or "", server.port or 443, context)

    def open(self, *, timeout: float = _REQUEST_TIMEOUT_SECONDS) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=timeout)

    def request(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        """One request with a JSON answer.

        Raises ApiError for any status but 2xx, OSError without an answer.
        """
        connection = self.open()
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise ApiError(answer.status, data.decode(errors="replace"))
        result: JsonObject = json.loads(data)
        return result

    def items(self, path: str) -> list[JsonObject]:
        items = self.request("GET", path)["items"]
        assert isinstance(items, list)  # noqa: S101 - every list of the API has items
        return [item for item in items if isinstance(item, dict)]


def volume_for(claim: JsonObject, directory: Path, reclaim_policy: str) -> JsonObject:
    """The PersistentVolume that satisfies `claim`, bound to it in advance."""
    metadata, spec = _object(claim, "metadata"), _object(claim, "spec")
    name = volume_name(claim)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "capacity": {"storage": _object(_object(spec, "resources"), "requests")["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": reclaim_policy,
            "storageClassName": spec["storageClassName"],
            "hostPath": {"path": str(directory / name), "type": "Directory"},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
            },
        },
    }


def volume_name(claim: JsonObject) -> str:
    """Deterministic, so that a repeated pass never makes a second volume for one claim."""
    return f"pvc-{_object(claim, 'metadata')['uid']}"


def wants_volume(claim: JsonObject, classes: dict[str, str]) -> bool:
    """Whether the claim waits for a volume of one of our classes (name → reclaim policy)."""
    spec, metadata = _object(claim, "spec"), _object(claim, "metadata")
    phase = _object(claim, "status").get("phase")
    return (
        spec.get("storageClassName") in classes
        and not spec.get("volumeName")
        and phase in {"Pending", None}
        and "deletionTimestamp" not in metadata
        and spec.get("volumeMode", "Filesystem") == "Filesystem"
    )


def is_released(volume: JsonObject) -> bool:
    """Whether the volume is ours, its claim is gone and it is to be deleted."""
    annotations = _object(_object(volume, "metadata"), "annotations")
    return (
        annotations.get("pv.kubernetes.io/provisioned-by") == PROVISIONER
        and _object(volume, "status").get("phase") == "Released"
        and _object(volume, "spec").get("persistentVolumeReclaimPolicy") == "Delete"
    )


def _object(parent: JsonObject, name: str) -> JsonObject:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def reconcile(api: Api, directory: Path) -> None:
    """One pass: make what is missing, remove what is released."""
    classes = {
        str(_object(item, "metadata")["name"]): str(item.get("reclaimPolicy", "Delete"))
        for item in api.items(_CLASSES)
        if item.get("provisioner") == PROVISIONER
    }
    for claim in api.items(_CLAIMS):
        if wants_volume(claim, classes):
            volume = volume_for(claim, directory, classes[str(_object(claim, "spec")["storageClassName"])])
            path = directory / volume_name(claim)
            path.mkdir(parents=True, exist_ok=True)
            # Pods run as any user, and a hostPath volume gets no group from fsGroup.
            path.chmod(0o777)
            _unless(api, "POST", _VOLUMES, volume, ignored=409)
    for volume in api.items(_VOLUMES):
        if is_released(volume):
            name = str(_object(volume, "metadata")["name"])
            shutil.rmtree(directory / name, ignore_errors=True)
            _unless(api, "DELETE", f"{_VOLUMES}/{name}", None, ignored=404)


def _unless(api: Api, method: str, path: str, body: JsonObject | None, *, ignored: int) -> None:
    try:
        api.request(method, path, body)
    except ApiError as error:
        if error.status != ignored:
            raise


def watch(api: Api, path: str, changed: threading.Event) -> None:
    """Set `changed` at every event below `path`, for ever; a broken watch is opened again."""
    while True:
        connection = api.open(timeout=_WATCH_SECONDS + _REQUEST_TIMEOUT_SECONDS)
        try:
            connection.request("GET", f"{path}?watch=true&timeoutSeconds={_WATCH_SECONDS}")
            answer = connection.getresponse()
            while answer.status == http.client.OK and answer.readline():
                changed.set()
        except (OSError, http.client.HTTPException) as error:
            print(f"watch of {path}: {error}", flush=True)
        finally:
            connection.close()
        time.sleep(1)


def main() -> None:
    api, directory = Api.from_kubeconfig(Path(sys.argv[1])), Path(sys.argv[2])
    changed = threading.Event()
    for path in (_CLAIMS, _VOLUMES):
        threading.Thread(target=watch, args=(api, path, changed), daemon=True).start()
    while True:
        changed.clear()
        try:
            reconcile(api, directory)
        except (ApiError, OSError, http.client.HTTPException) as error:
            print(f"pass failed, trying again soon: {error}", flush=True)
            time.sleep(1)
        changed.wait(_RESYNC_SECONDS)


if __name__ == "__main__":
    main()
