"""Data pools and files as the platform's API shows them. Pure."""

import json
from collections.abc import Iterable
from typing import Literal

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.data_pools.directory import FoundPool, LabelledClaim
from serviceexecution.gateway.data_pools.volumes.volume_files import VolumeFile
from serviceexecution.gateway.service_api.documents.execution_document import timestamp
from serviceexecution.store.media_types import media_type_of
from serviceexecution.store.pools.records import PoolFile, file_id

Permission = Literal["VIEWER", "MAINTAINER", "OWNER"]


def pool_document(pool: FoundPool, permission: Permission) -> JsonObject:
    """Return the data pool; a claim without a DataPool has only a name."""
    if isinstance(pool, LabelledClaim):
        return {
            "id": pool.id,
            "name": pool.name,
            "shortDescription": None,
            "description": None,
            "tags": [],
            "createdAt": timestamp(pool.created_at),
            "currentUserPermission": "VIEWER",
        }
    spec = pool.spec
    return {
        "id": pool.metadata.uid,
        "name": pool.shown_name,
        "shortDescription": spec.short_description,
        "description": spec.description,
        "tags": list(spec.tags),
        "createdAt": timestamp(pool.metadata.creation_timestamp),
        "currentUserPermission": permission,
    }


def file_document(pool_id: str, file: PoolFile) -> JsonObject:
    """Return a file. Its SHA-256 is ours: with it a client knows what it need not send again."""
    return {
        "id": file.id,
        "dataPoolId": pool_id,
        "name": file.name,
        "fullPath": file.name,
        "contentType": file.content_type,
        "contentLength": file.size,
        "createdAt": timestamp(file.created_at),
        "sha256": file.sha256,
        "version": file.sha256,
    }


def volume_file_document(pool_id: str, file: VolumeFile) -> JsonObject:
    """Return a file of a volume, whose SHA-256 nobody has computed: its version is that of its ETag."""
    return {
        "id": file_id(pool_id, file.name),
        "dataPoolId": pool_id,
        "name": file.name,
        "fullPath": file.name,
        "contentType": media_type_of(file.name),
        "contentLength": file.size,
        "createdAt": timestamp(file.changed_at),
        "sha256": None,
        "version": file.tag,
    }


def volume_files_text(pool_id: str, files: Iterable[VolumeFile]) -> bytes:
    """Return the list of files of a volume by name."""
    documents = [volume_file_document(pool_id, file) for file in sorted(files, key=lambda file: file.name)]
    return json.dumps(documents, ensure_ascii=False, separators=(",", ":")).encode()


def files_text(pool_id: str, files: Iterable[PoolFile]) -> bytes:
    """Return the list of files by name."""
    documents = [file_document(pool_id, file) for file in sorted(files, key=lambda file: file.name)]
    return json.dumps(documents, ensure_ascii=False, separators=(",", ":")).encode()
