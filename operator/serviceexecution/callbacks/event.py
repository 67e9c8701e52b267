"""The event that tells of an execution's end. Pure.

Source: CloudEvents 1.0, JSON event format, structured mode (https://github.com/cloudevents/spec); the signature follows
Standard Webhooks (https://www.standardwebhooks.com), which existing libraries verify.
"""

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.executions.execution import ServiceExecution

EVENT_TYPE: Final = "dev.serviceexecution.execution.finished.v1"
MEDIA_TYPE: Final = "application/cloudevents+json; charset=utf-8"
_ENCODED_KEY: Final = "whsec_"


def finished_event(execution: ServiceExecution) -> JsonObject:
    """Return the event; its id is the same each time it is sent, so that receivers can drop repeats.

    It holds neither input nor output nor secrets: who wants them asks for them with a token.
    """
    metadata, status = execution.metadata, execution.status
    data: JsonObject = {
        "id": execution.api_id,
        "namespace": metadata.namespace,
        "name": metadata.name,
        "service": execution.spec.service_ref.name if execution.spec.service_ref is not None else None,
        "status": status.phase.value.upper() if status.phase is not None else "UNKNOWN",
        "reason": status.reason,
        "message": status.message,
        "createdAt": _time(metadata.creation_timestamp),
        "startedAt": _time(status.start_time),
        "endedAt": _time(status.completion_time),
        "tags": list(execution.spec.tags or ()),
        "fileCount": status.result.file_count if status.result is not None else 0,
    }
    return {
        "specversion": "1.0",
        "type": EVENT_TYPE,
        "source": f"/namespaces/{metadata.namespace}/serviceexecutions",
        "id": metadata.uid,
        "subject": execution.api_id,
        "time": _time(status.completion_time or metadata.creation_timestamp),
        "datacontenttype": "application/json",
        "data": {name: value for name, value in data.items() if value is not None},
    }


def signed_headers(key: bytes, identifier: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers that prove who sent ``body`` and when."""
    seconds = str(int(now.timestamp()))
    content = b".".join((identifier.encode(), seconds.encode(), body))
    digest = hmac.new(signing_key(key), content, hashlib.sha256).digest()
    return {
        "webhook-id": identifier,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def signing_key(value: bytes) -> bytes:
    """Return the key's bytes; ``whsec_…`` is base64, as Standard Webhooks writes it."""
    text = value.strip()
    if text.startswith(_ENCODED_KEY.encode()):
        try:
            return base64.b64decode(text[len(_ENCODED_KEY) :], validate=True)
        except binascii.Error:
            return text
    return text


def body_of(event: JsonObject) -> bytes:
    """Return the bytes that are signed and sent."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
