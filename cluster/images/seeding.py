"""Putting base images into the cluster's registry under the names that builds look for: `<registry>/<host>/<path>`.

Nothing is sent that the registry has already.
"""

import contextlib
import hashlib
import http.client
import json
import tarfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from cluster.errors import LauncherError
from cluster.images.layers import LayerStore

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_TIMEOUT_SECONDS: Final = 120.0
_READY_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Blob:
    """Something that a registry names by its digest; `data` is a file's path or the bytes themselves."""

    digest: str
    size: int
    data: Path | bytes

    def descriptor(self, media_type: str) -> dict[str, object]:
        """How a manifest names it."""
        return {"mediaType": media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class Content:
    """An image: its manifest, the blobs that the manifest names, and the digests of its layers' content."""

    manifest: bytes
    blobs: tuple[Blob, ...]
    layers: tuple[str, ...]

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)


def digest_of(data: bytes) -> str:
    """As registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def mirror_name(reference: str) -> tuple[str, str]:
    """The repository and the tag in the cluster's registry of an image with a full name."""
    repository, _, tag = reference.rpartition(":")
    return repository, tag


def read_content(archive: Path, store: LayerStore) -> Content:
    """The content of a `docker save` archive with one image; a layer is read only when it is not in `store`.

    Raises LauncherError when the archive is not as our builder writes it.
    """
    with tarfile.open(archive) as opened:
        entries = json.load(_extract(opened, "manifest.json", archive))
        config = _extract(opened, entries[0]["Config"], archive).read()
        digests: list[str] = json.loads(config)["rootfs"]["diff_ids"]
        names: list[str] = entries[0]["Layers"]
        if len(entries) != 1 or len(names) != len(digests):
            raise LauncherError(f"{archive} has more than one image, or layers without digests.")
        layers = [
            store.find(digest) or store.add(digest, _extract(opened, name, archive))
            for name, digest in zip(names, digests, strict=True)
        ]
    config_blob = Blob(digest_of(config), len(config), config)
    blobs = [Blob(layer.digest, layer.size, layer.path) for layer in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config_blob.descriptor(_CONFIG_TYPE),
        "layers": [blob.descriptor(_LAYER_TYPE) for blob in blobs],
    }
    return Content(json.dumps(manifest).encode(), (*blobs, config_blob), tuple(digests))


def _extract(archive: tarfile.TarFile, name: str, path: Path) -> IO[bytes]:
    try:
        content = archive.extractfile(name)
    except KeyError:
        content = None
    if content is None:
        raise LauncherError(f"{path} is not an image archive: it has no {name}.")
    return content


@dataclass(frozen=True)
class Registry:
    """A registry without login, by plain http."""

    host: str
    port: int

    def has(self, repository: str, kind: str, name: str) -> str | None:
        """The digest of a manifest or blob (`kind` is `manifests` or `blobs`), None when it is not there."""
        headers = {"Accept": MANIFEST_TYPE}
        answer = self._request("HEAD", f"/v2/{repository}/{kind}/{name}", headers=headers)
        return answer.get("docker-content-digest", name) if answer is not None else None

    def put_blob(self, repository: str, blob: Blob) -> None:
        """Upload one blob in one request."""
        started = self._request("POST", f"/v2/{repository}/blobs/uploads/", headers={"Content-Length": "0"})
        location = (started or {}).get("location", "")
        path = "/" + location.split("://", 1)[-1].partition("/")[2] if "://" in location else location
        separator = "&" if "?" in path else "?"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size)}
        data = contextlib.nullcontext(blob.data) if isinstance(blob.data, bytes) else blob.data.open("rb")
        with data as body:
            self._request("PUT", f"{path}{separator}digest={blob.digest}", body=body, headers=headers)

    def put_manifest(self, repository: str, tag: str, manifest: bytes) -> None:
        """Set the tag; every blob must be there."""
        self._request(
            "PUT",
            f"/v2/{repository}/manifests/{tag}",
            body=manifest,
            headers={"Content-Type": MANIFEST_TYPE},
        )

    def answers(self) -> bool:
        """Whether it can be talked to now."""
        try:
            return self._request("GET", "/v2/", headers={}) is not None
        except LauncherError:
            return False

    def _request(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes | IO[bytes] | None = None
    ) -> dict[str, str] | None:
        """The answer's headers by lower-case name, None for 404.

        Raises LauncherError without an answer, or for another status than 2xx.
        """
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise LauncherError(f"the cluster's registry does not answer: {error}.") from error
        finally:
            connection.close()
        if answer.status == http.client.NOT_FOUND:
            return None
        if not 200 <= answer.status < 300:
            raise LauncherError(
                f"the cluster's registry refused {method} {path}: {answer.status} {text.strip()}"
            )
        return {name.lower(): value for name, value in answer.getheaders()}


def missing(registry: Registry, contents: Mapping[str, Content]) -> list[str]:
    """The references in `contents` that the registry does not have, or not in this content."""
    return [
        reference
        for reference, content in contents.items()
        if registry.has(mirror_name(reference)[0], "manifests", mirror_name(reference)[1]) != content.digest
    ]


def send(registry: Registry, reference: str, content: Content) -> None:
    """Upload what the registry lacks of one image, its manifest last."""
    repository, tag = mirror_name(reference)
    for blob in _absent(registry, repository, content.blobs):
        registry.put_blob(repository, blob)
    registry.put_manifest(repository, tag, content.manifest)


def _absent(registry: Registry, repository: str, blobs: Iterable[Blob]) -> list[Blob]:
    unique = {blob.digest: blob for blob in blobs}
    return [blob for blob in unique.values() if registry.has(repository, "blobs", blob.digest) is None]


def wait_until_it_answers(registry: Registry) -> None:
    """A Service's rules follow its pods' readiness in a moment.

    Raises LauncherError when it does not answer in time.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while not registry.answers():
        if time.monotonic() > deadline:
            raise LauncherError(
                f"the cluster's registry at {registry.host}:{registry.port} did not answer for "
                f"{_READY_SECONDS:.0f} s."
            )
        time.sleep(0.2)
