"""What the gateway remembers of an execution: the dozen facts that answers need, not the object. Pure."""

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serviceexecution.contract.json_types import (
    JsonObject,
    JsonValue,
    object_of,
    objects_of,
    text_at,
    text_of,
)
from serviceexecution.gateway.state.known_usage import packed_usage
from serviceexecution.kube.versions import number_of
from serviceexecution.resources.access_key import KeyId
from serviceexecution.resources.executions.execution import is_uuid
from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase
from serviceexecution.resources.names import (
    ANNOTATION_EXECUTION_TOKEN,
    ANNOTATION_JOB,
    ANNOTATION_SUBMITTED_BY,
    JOB_NOT_STORED,
    JOB_STORED,
    LABEL_PARENT,
)
from serviceexecution.resources.reference import ExecutionReference

KEPT_TAG_BYTES: Final = 2048
"""Most bytes of an execution's tags that are remembered: sixty-four of thirty letters. Longer ones are fetched."""
KEPT_MESSAGE_BYTES: Final = 1024
"""Most bytes of a status message that are remembered; the controller's are mostly a sentence. Longer ones are
fetched."""
_DIGEST_DIGITS: Final = 64
_RECORD_BYTES: Final = 1000
"""What a record costs without its tags and its message, with its places in the index: 730 measured, and the gaps of an
allocator."""


@dataclass(frozen=True, slots=True)
class KnownExecution:
    """One execution of a service, as far as the Service API speaks of it."""

    namespace: str
    name: str
    uid: str
    version: int
    """The object's resourceVersion."""
    service: str
    """Name of the service that it is a run of."""
    created: datetime
    phase: Phase | None = None
    reason: str | None = None
    message: str | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None
    attempts: int | None = None
    cancel: bool = False
    """Whether it was asked to stop."""
    service_uid: str | None = None
    """Uid of the service that it was started from; None before its start."""
    access_key: str | None = None
    """Id of the access key that it was submitted with, as its annotation says; None when no key was."""
    job: str | None = None
    """What it says of itself as a job of the platform's API (``ANNOTATION_JOB``), None when it is none."""
    parent: str | None = None
    """Uid of the execution that has started it, as its label says."""
    token: bytes | None = None
    """SHA-256 of the token that its program has; None when it has none."""
    usage: bytes | None = None
    """What it has used, packed: ``usage_document`` reads it."""
    tags: tuple[str, ...] = ()
    cut: bool = False
    """Tags or message are too long to be remembered and must be fetched."""

    @property
    def reference(self) -> ExecutionReference:
        """Return how other rooms name this execution."""
        return ExecutionReference(self.namespace, self.name, self.uid)

    @property
    def status(self) -> ExecutionStatus:
        """Return as much of the status as results speak of."""
        return ExecutionStatus(
            phase=self.phase, reason=self.reason, message=self.message, attempts=self.attempts
        )

    @property
    def order(self) -> tuple[datetime, str]:
        """Return what executions of a service are sorted by."""
        return self.created, self.name

    @property
    def has_ended(self) -> bool:
        """Tell whether the execution is in a final phase."""
        return self.phase is not None and self.phase.terminal

    @property
    def own_name_is_id(self) -> bool:
        """Tell whether the id in the API is the name, as of all that came by the API; of others it is the uid."""
        return is_uuid(self.name)

    def owns(self, metadata: JsonObject) -> bool:
        """Tell whether an object with that metadata is the execution's own, whatever its name is."""
        return any(owner.get("uid") == self.uid for owner in objects_of(metadata.get("ownerReferences")))

    @property
    def size(self) -> int:
        """Return about how many bytes of memory the record takes."""
        tags = sum(60 + len(tag.encode()) for tag in self.tags)
        return _RECORD_BYTES + tags + len(self.message or "") + len(self.service) + len(self.name)


def known_execution(body: JsonObject, *, whole: bool = False) -> KnownExecution | None:
    """Return what is remembered of an execution, or with ``whole`` also long tags and messages.

    None when it is no service's, or when this version cannot read it.
    """
    metadata, spec, status = (object_of(body.get(part)) for part in ("metadata", "spec", "status"))
    uid, name, namespace = (text_of(metadata.get(part)) for part in ("uid", "name", "namespace"))
    service = text_at(spec, "serviceRef", "name")
    created = _time(metadata.get("creationTimestamp"))
    if not (uid and name and namespace and service) or created is None:
        return None
    try:
        phase = None if status.get("phase") is None else Phase(str(status.get("phase")))
    except ValueError:  # Of a newer version
        return None
    tags, message = _tags(spec.get("tags")), text_of(status.get("message"))
    cut = not whole and (_bytes(tags) > KEPT_TAG_BYTES or _bytes((message,)) > KEPT_MESSAGE_BYTES)
    attempts = status.get("attempts")
    return KnownExecution(
        namespace=sys.intern(namespace),
        name=name,
        uid=uid,
        version=version_of(metadata),
        service=sys.intern(service),
        created=created,
        phase=phase,
        reason=_shared(status.get("reason")),
        message=None if cut else message or None,
        start_time=_time(status.get("startTime")),
        completion_time=_time(status.get("completionTime")),
        attempts=attempts if isinstance(attempts, int) else None,
        cancel=spec.get("cancel") is True,
        service_uid=_shared(object_of(status.get("service")).get("uid")),
        access_key=_access_key(metadata),
        job=_job(metadata),
        parent=_shared(object_of(metadata.get("labels")).get(LABEL_PARENT)),
        token=_token(metadata),
        usage=packed_usage(object_of(status.get("usage"))),
        tags=() if cut else tags,
        cut=cut,
    )


def version_of(metadata: JsonObject) -> int:
    """Return an object's resourceVersion as the number that it is on all API servers that there are, else 0."""
    return number_of(text_of(metadata.get("resourceVersion")))


def _shared(value: JsonValue) -> str | None:
    """Return a text that many executions have, once in memory for all of them."""
    return sys.intern(value) if isinstance(value, str) and value else None


def _job(metadata: JsonObject) -> str | None:
    job = object_of(metadata.get("annotations")).get(ANNOTATION_JOB)
    return _shared(job) if job in (JOB_STORED, JOB_NOT_STORED) else None


def _token(metadata: JsonObject) -> bytes | None:
    digest = text_of(object_of(metadata.get("annotations")).get(ANNOTATION_EXECUTION_TOKEN))
    try:
        return bytes.fromhex(digest) if len(digest) == _DIGEST_DIGITS else None
    except ValueError:
        return None


def _access_key(metadata: JsonObject) -> str | None:
    submitter = object_of(metadata.get("annotations")).get(ANNOTATION_SUBMITTED_BY)
    key_id = None if not isinstance(submitter, str) else KeyId.of_account(submitter)
    return None if key_id is None else sys.intern(str(key_id))


def _tags(value: JsonValue) -> tuple[str, ...]:
    return tuple(tag for tag in value if isinstance(tag, str)) if isinstance(value, list) else ()


def _bytes(texts: tuple[str, ...]) -> int:
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


def _time(value: JsonValue) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
