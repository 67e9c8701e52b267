"""The receipt of an execution: what ran, with what, for how long, and what it used, in one document. Pure.

Made from the object itself, so that it is there for as long as the execution and its results are. It has digests of
input and output and no value of either, and no secret.
"""

from datetime import datetime
from typing import Final

from serviceexecution.contract.json_types import (
    JsonObject,
    JsonValue,
    object_at,
    object_of,
    objects_of,
    text_of,
)
from serviceexecution.resources.access_key import KeyId
from serviceexecution.resources.names import ANNOTATION_SUBMITTED_BY

VERSION: Final = 1
ENDED: Final = frozenset({"Succeeded", "Failed", "Cancelled"})
STEPS: Final = (
    ("queued", "created", "admitted"),
    ("scheduling", "admitted", "scheduled"),
    ("preparing", "scheduled", "prepared"),
    ("pulling", "prepared", "started"),
    ("running", "started", "ended"),
    ("collecting", "ended", "collected"),
)
"""Name of a phase, and the times at which it began and was over."""
_ACCOUNT: Final = "system:serviceaccount:"


def receipt_of(execution: JsonObject, api_id: str) -> JsonObject:
    """Return the receipt; what is not known is left out."""
    metadata, spec, status = (object_of(execution.get(part)) for part in ("metadata", "spec", "status"))
    times = _times(metadata, status)
    receipt: JsonObject = {
        "version": VERSION,
        "final": status.get("phase") in ENDED,
        "id": api_id,
        "namespace": metadata.get("namespace"),
        "name": metadata.get("name"),
        "uid": metadata.get("uid"),
        "submittedBy": submitter_of(metadata),
        "service": _service(spec, status),
        "image": _image(text_of(status.get("image"))),
        "phase": status.get("phase"),
        "reason": status.get("reason"),
        "message": status.get("message"),
        "exitCode": status.get("exitCode"),
        "attempts": status.get("attempts"),
        "earlierAttempts": [*map(_attempt, objects_of(status.get("earlierAttempts")))],
        "times": times,
        "phases": _phases(times),
        "input": _some({"digest": status.get("inputDigest")}),
        "output": _output(object_of(status.get("result"))),
        "log": status.get("log"),
        "usage": _measured(object_of(status.get("usage"))),
    }
    return _some(receipt) or {}


def submitter_of(metadata: JsonObject) -> JsonObject:
    """Return who has made an execution, and with what kind of token."""
    name = text_of(object_at(metadata, "annotations").get(ANNOTATION_SUBMITTED_BY))
    if not name:
        return {"kind": "cluster"}
    key = KeyId.of_account(name)
    if key is not None:
        return {"kind": "accessKey", "name": str(key)}
    return {"kind": "serviceAccount" if name.startswith(_ACCOUNT) else "user", "name": name}


def _service(spec: JsonObject, status: JsonObject) -> JsonValue:
    taken = object_of(status.get("service"))
    name = taken.get("name") or object_at(spec, "serviceRef").get("name")
    names = ("uid", "generation", "revision", "sourceDigest", "commit", "imageDigest")
    return _some({"name": name, **{one: taken.get(one) for one in names}})


def _image(image: str) -> JsonValue:
    reference, _, digest = image.removeprefix("docker-pullable://").rpartition("@")
    if not reference and not digest.startswith("sha256:"):
        reference, digest = digest, ""
    return _some({"reference": reference or None, "digest": digest or None})


def _attempt(attempt: JsonObject) -> JsonValue:
    names = (
        "attempt",
        "reason",
        "message",
        "counts",
        "startTime",
        "endTime",
        "exitCode",
        "memoryLimit",
        "log",
    )
    known: JsonObject = {name: attempt.get(name) for name in names}
    return _some({**known, "usage": _measured(object_of(attempt.get("usage")))})


def _times(metadata: JsonObject, status: JsonObject) -> JsonObject:
    told = object_of(status.get("times"))
    times: JsonObject = {
        "created": metadata.get("creationTimestamp"),
        "admitted": told.get("admitted"),
        "scheduled": told.get("scheduled"),
        "prepared": told.get("prepared"),
        "started": told.get("started") or status.get("startTime"),
        "ended": told.get("ended"),
        "collected": status.get("completionTime"),
    }
    return {name: time for name, time in times.items() if isinstance(time, str)}


def _phases(times: JsonObject) -> list[JsonValue]:
    phases: list[JsonValue] = []
    for name, begin, end in STEPS:
        if begin in times and end in times:
            seconds = _seconds(text_of(times[begin]), text_of(times[end]))
            if seconds is not None:
                phases.append({"name": name, "from": times[begin], "to": times[end], "seconds": seconds})
    return phases


def _seconds(begin: str, end: str) -> int | None:
    try:
        passed = (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(0, round(passed))  # Of two clocks: the node's and the API server's


def _output(result: JsonObject) -> JsonValue:
    names = ("digest", "source", "fileCount", "totalBytes", "skippedCount", "message")
    files: list[JsonValue] = [*objects_of(result.get("files"))]
    return _some({**{name: result.get(name) for name in names}, "files": files or None})


def _measured(usage: JsonObject) -> JsonValue:
    return _some({name: value for name, value in usage.items() if name not in _DURATIONS})


_DURATIONS: Final = frozenset({"waitSeconds", "runSeconds", "collectSeconds"})


def _some(members: JsonObject) -> JsonObject | None:
    """Return the members that have a value, None when none has."""
    return {name: value for name, value in members.items() if value is not None} or None
