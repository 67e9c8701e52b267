"""JSON to and from the API server, and what its refusals say. Pure."""

import json

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.kube.errors import AlreadyExistsError, ConflictError, GoneError, KubernetesError


def encode_json(body: JsonObject) -> bytes:
    """Return JSON in UTF-8; numbers keep their value. NaN and infinity raise ValueError."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # Half a surrogate pair has no UTF-8 form, but an escaped one
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


def decode_object(data: bytes) -> JsonObject:
    """Return the JSON object in ``data``; raises KubernetesError when it is something else."""
    try:
        value: JsonValue = json.loads(data)
    except ValueError as error:
        message = f"the answer of the API server is not JSON: {data[:200]!r}"
        raise KubernetesError(message) from error
    except RecursionError:
        # Not from it: a traceback of thousands of frames helps nobody
        message = f"the answer of the API server is nested too deep: {data[:200]!r}"
        raise KubernetesError(message) from None
    if not isinstance(value, dict):
        message = f"the answer of the API server is not an object: {data[:200]!r}"
        raise KubernetesError(message)
    return value


def error_of_answer(code: int, text: bytes, retry_after: str | None) -> KubernetesError:
    """Return the exception for an answer that is not a success."""
    try:
        status = decode_object(text)
    except KubernetesError:
        status = {"message": text[:500].decode(errors="replace")}
    return error_of_status(code, status, retry_after)


def error_of_status(code: int, status: JsonObject, retry_after: str | None = None) -> KubernetesError:
    """Return the exception for a Status object of the Kubernetes API."""
    reason = str(status.get("reason") or "")
    message = str(status.get("message") or reason or f"HTTP status {code}")
    seconds = float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
    kind = KubernetesError
    if code == 410:
        kind = GoneError
    elif code == 409:
        kind = AlreadyExistsError if reason == "AlreadyExists" else ConflictError
    return kind(message, status=code, reason=reason, retry_after=seconds)
