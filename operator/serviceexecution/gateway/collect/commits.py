"""What a collector says when it is done, and the manifest that follows from it."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from serviceexecution.gateway.collect.collectors import CollectorIdentity
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.store.keys import check_output_path
from serviceexecution.store.media_types import media_type_of
from serviceexecution.store.records import OutputManifest, SkippedFile, StoredFile

MAX_FILES: Final = 50_000
MAX_SKIPPED: Final = 1_000
MAX_COMMIT_BYTES: Final = 64 * 1024 * 1024


class _Message(BaseModel):
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore", strict=True
    )


class CommittedFile(_Message):
    """A file that the collector has uploaded."""

    path: str
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SkippedEntry(_Message):
    """A file that it has not, and why."""

    path: Annotated[str, Field(max_length=20_000)]
    reason: Annotated[str, Field(max_length=1_000)]


class CommitRequest(_Message):
    """Body of the commit call."""

    files: Annotated[list[CommittedFile], Field(max_length=MAX_FILES)] = Field(default_factory=list)
    skipped: Annotated[list[SkippedEntry], Field(max_length=MAX_SKIPPED)] = Field(default_factory=list)
    limit_exceeded: bool = False


def parse_commit(body: bytes) -> CommitRequest:
    """Return the request; raises Problem 400."""
    try:
        request = CommitRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Problem(HTTPStatus.BAD_REQUEST, "BadRequest", f"{where or 'body'}: {first['msg']}") from None
    if len({file.path for file in request.files}) != len(request.files):
        raise Problem(HTTPStatus.BAD_REQUEST, "BadRequest", "A path is listed twice.")
    for file in request.files:
        check_output_path(file.path)
    return request


def manifest_of(identity: CollectorIdentity, request: CommitRequest, now: datetime) -> OutputManifest:
    """Return the manifest, files and skipped files sorted by path."""
    files = [
        StoredFile(path=file.path, size=file.size, sha256=file.sha256, media_type=media_type_of(file.path))
        for file in sorted(request.files, key=lambda file: file.path)
    ]
    skipped = [
        SkippedFile(path=entry.path, reason=entry.reason)
        for entry in sorted(request.skipped, key=lambda entry: entry.path)
    ]
    return OutputManifest(
        attempt=identity.attempt,
        pod_uid=identity.pod_uid,
        files=tuple(files),
        skipped=tuple(skipped),
        total_bytes=sum(file.size for file in files),
        limit_exceeded=request.limit_exceeded,
        committed_at=now,
    )


def check_total(identity: CollectorIdentity, manifest: OutputManifest) -> None:
    """Raise Problem 413 when the output is larger than its limit."""
    if manifest.total_bytes > identity.output_limit:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "OutputLimitExceeded",
            f"The output has {manifest.total_bytes} bytes, its limit is {identity.output_limit}.",
        )
