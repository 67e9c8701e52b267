"""The JSON Schema of receipts. Pure."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.receipt import STEPS, VERSION

_TEXT: Final[JsonObject] = {"type": "string"}
_COUNT: Final[JsonObject] = {"type": "integer", "minimum": 0}
_NUMBER: Final[JsonObject] = {"type": "number", "minimum": 0}
_FLAG: Final[JsonObject] = {"type": "boolean"}
_TIME: Final[JsonObject] = {"type": "string", "format": "date-time"}
_SHA256: Final[JsonObject] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def _object(description: str, required: tuple[str, ...] = (), /, **members: JsonObject) -> JsonObject:
    return {
        "type": "object",
        "description": description,
        "required": [*required],
        "properties": {**members},
    }


_USAGE: Final = _object(
    "What the program has used, as its pod has told it.",
    cpuSeconds=_NUMBER,
    memoryPeakBytes=_COUNT,
    readBytes=_COUNT,
    writtenBytes=_COUNT,
    complete={**_FLAG, "description": "False: these are lower bounds."},
    gaps=_COUNT,
    gapSeconds=_COUNT,
)
_LOG: Final = _object(
    "The kept log.", bytes=_COUNT, lines=_COUNT, truncated=_FLAG, gaps=_COUNT, gapSeconds=_COUNT
)
_PHASE: Final[dict[str, JsonObject]] = {
    "name": {"enum": [name for name, _, _ in STEPS]},
    "from": _TIME,
    "to": _TIME,
    "seconds": _COUNT,
}
RECEIPT_SCHEMA: Final[JsonObject] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Receipt of an execution",
    **_object(
        "What ran, with what, for how long, and what it used. Members that are not known are left out; later "
        "versions may have more.",
        ("version", "final", "namespace", "name", "uid", "submittedBy", "times", "phases", "earlierAttempts"),
        version={"const": VERSION},
        final={**_FLAG, "description": "Whether the execution has ended, so that nothing changes any more."},
        id={**_TEXT, "description": "Its id in the Service API."},
        namespace=_TEXT,
        name=_TEXT,
        uid=_TEXT,
        submittedBy=_object(
            "Who has made it, as the gateway has noted it. Who may write executions with kubectl may write another "
            "name. cluster: by the Kubernetes API.",
            ("kind",),
            kind={"enum": ["accessKey", "serviceAccount", "user", "cluster"]},
            name=_TEXT,
        ),
        service=_object(
            "The service, as it was when the execution started.",
            name=_TEXT,
            uid=_TEXT,
            generation=_COUNT,
            revision=_TEXT,
            sourceDigest=_TEXT,
            commit=_TEXT,
            imageDigest=_TEXT,
        ),
        image=_object("The image that ran, as the node says.", reference=_TEXT, digest=_TEXT),
        phase={"enum": ["Pending", "Running", "Succeeded", "Failed", "Cancelled"]},
        reason=_TEXT,
        message=_TEXT,
        exitCode={"type": "integer"},
        attempts=_COUNT,
        earlierAttempts={
            "type": "array",
            "items": _object(
                "An attempt after which another one was made.",
                ("attempt", "reason"),
                attempt=_COUNT,
                reason=_TEXT,
                message=_TEXT,
                counts=_FLAG,
                startTime=_TIME,
                endTime=_TIME,
                exitCode={"type": "integer"},
                memoryLimit=_TEXT,
                log=_LOG,
                usage=_USAGE,
            ),
        },
        times=_object(
            "When each step of the last attempt was over. Those of containers are on the node's clock.",
            created=_TIME,
            admitted=_TIME,
            scheduled=_TIME,
            prepared=_TIME,
            started=_TIME,
            ended=_TIME,
            collected=_TIME,
        ),
        phases={
            "type": "array",
            "items": _object(
                "A step with its length. pulling is from the pod's network to main's start: images are pulled then.",
                ("name", "from", "to", "seconds"),
                **_PHASE,
            ),
        },
        input=_object(
            "The digest is the SHA-256 of a JSON object with the input's members by name, each as it was given.",
            digest=_SHA256,
        ),
        output=_object(
            "The digest is the SHA-256 of a line for each file, by name: its SHA-256, two spaces, its name.",
            digest=_SHA256,
            source={"enum": ["File", "Log"]},
            fileCount=_COUNT,
            totalBytes=_COUNT,
            skippedCount=_COUNT,
            message=_TEXT,
            files={
                "type": "array",
                "maxItems": 50,
                "items": _object(
                    "One of the first 50 files.",
                    ("name", "size", "sha256"),
                    name=_TEXT,
                    size=_COUNT,
                    sha256=_SHA256,
                    mediaType=_TEXT,
                ),
            },
        ),
        log=_LOG,
        usage=_USAGE,
    ),
}
