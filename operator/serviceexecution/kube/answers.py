"""JSON to and from the API server, and what its refusals say."""

import json
from collections.abc import Callable
from typing import Final

from serviceexecution.contract.json_pieces import load_in_pieces
from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.fairness.payers import current_payer
from serviceexecution.fairness.turns import NoTurnError
from serviceexecution.fairness.work import FairThreads
from serviceexecution.kube.errors import AlreadyExistsError, ConflictError, GoneError, KubernetesError

_SMALL_BYTES: Final = 128 * 1024
"""So much is read in some milliseconds, whatever it holds; a megabyte of numbers takes 70."""
_READER: Final = FairThreads(1)
"""Apart from other work: watches must not wait for the results and logs that tenants ask for."""


def encode_json(body: JsonObject | list[JsonObject]) -> bytes:
    """Return JSON in UTF-8; numbers keep their value. NaN and infinity raise ValueError."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # Half a surrogate pair has no UTF-8 form, but an escaped one
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


async def read_object(data: bytes) -> JsonObject:
    """Return what ``decode_object`` returns. A large one is read beside the event loop, in turns by namespace."""
    if len(data) <= _SMALL_BYTES:
        return decode_object(data)
    try:
        return await _READER.run(current_payer().namespace, decode_object, data, load_in_pieces)
    except NoTurnError:
        raise KubernetesError("too many large answers of the API server at once", status=429) from None


def decode_object(data: bytes, loads: Callable[[bytes], JsonValue] = json.loads) -> JsonObject:
    """Return the JSON object in ``data``; raises KubernetesError when it is something else."""
    try:
        value = loads(data)
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
