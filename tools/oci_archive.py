"""Image archives in the OCI layout, which every tool reads: containerd, Podman, skopeo, crane and registries' own."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from cluster.images.seeding import MANIFEST_TYPE, Content
from tools.errors import GenerationError

INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
_LAYOUT: Final = {"imageLayoutVersion": "1.0.0"}
_CHUNK: Final = 1 << 20


def write_oci_archive(reference: str, content: Content, target: Path) -> None:
    """Write one image. The same image gives the same bytes: no times, no owners, an order."""
    described = {
        "mediaType": MANIFEST_TYPE,
        "digest": content.digest,
        "size": len(content.manifest),
        "annotations": {
            "io.containerd.image.name": reference,
            "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
        },
    }
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [described]}
    with tarfile.open(target, "w") as archive:
        _add(archive, "oci-layout", json.dumps(_LAYOUT).encode())
        _add(archive, "index.json", json.dumps(index).encode())
        _add(archive, _path(content.digest), content.manifest)
        for blob in sorted(
            {blob.digest: blob for blob in content.blobs}.values(), key=lambda one: one.digest
        ):
            if isinstance(blob.data, bytes):
                _add(archive, _path(blob.digest), blob.data)
            else:
                with blob.data.open("rb") as file:
                    archive.addfile(_member(_path(blob.digest), blob.size), file)


def check_oci_archive(archive: Path) -> str:
    """Read an archive back and return its image's name.

    Raises GenerationError when a blob is missing, has another digest than its name says, or is named by nothing.
    """
    with tarfile.open(archive) as opened:
        found = dict(_digests(opened))
        index = json.loads(_read(opened, "index.json"))
        (described,) = index["manifests"]
        manifest = json.loads(_read(opened, _path(described["digest"])))
    wanted = [described, manifest["config"], *manifest["layers"]]
    for one in wanted:
        if found.get(_path(one["digest"])) != (one["digest"], one["size"]):
            raise GenerationError(f"{archive}: {one['digest']} is missing, or is not what its name says.")
    more = set(found) - {_path(one["digest"]) for one in wanted}
    if more:
        raise GenerationError(f"{archive}: nothing names {', '.join(sorted(more))}.")
    return str(described["annotations"]["io.containerd.image.name"])


def _digests(archive: tarfile.TarFile) -> Iterator[tuple[str, tuple[str, int]]]:
    for member in archive:
        file = archive.extractfile(member)
        if member.name.startswith("blobs/") and file is not None:
            yield member.name, (f"sha256:{_digest(file)}", member.size)


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    return b"" if file is None else file.read()


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    archive.addfile(_member(name, len(data)), io.BytesIO(data))


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    return member
