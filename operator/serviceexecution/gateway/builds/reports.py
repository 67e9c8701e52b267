"""What a build's pod says about its end, checked: it goes into the status and becomes an image's name. Pure."""

import json
import math
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue, ValidationError

from serviceexecution.gateway.http.problems import Problem
from serviceexecution.store.records import BuildReport, BuildSeconds

MAX_REPORT_BYTES: Final = 256 * 1024
INPUT_SCHEMA_LIMIT: Final = 32 * 1024
OUTPUT_SCHEMA_LIMIT: Final = 16 * 1024
"""Bytes of JSON. A definition's status keeps those of up to 16 revisions, and the API server takes 1.5 MiB."""

SUCCEEDED: Final = "Succeeded"
LONGEST_MESSAGE: Final = 2_000
LONGEST_STEP: Final = 500
_MOST_BYTES: Final = 2**63 - 1
_LARGEST: Final = 1e300
_REASON: Final = re.compile("[A-Z][A-Za-z]{0,63}")
_DIGEST: Final = re.compile("sha256:[0-9a-f]{64}")
_COMMIT: Final = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def parse_report(body: bytes, job_uid: str) -> BuildReport:
    """Return the report of that Job's pod, its texts cut to what is shown; raises Problem 400."""
    try:
        report = BuildReport.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _invalid(where or "body", first["msg"]) from None
    _check_texts(report)
    _check_schema("inputSchema", report.input_schema, INPUT_SCHEMA_LIMIT)
    _check_schema("outputSchema", report.output_schema, OUTPUT_SCHEMA_LIMIT)
    _check_seconds(report.seconds)
    return report.model_copy(
        update={
            "version": 1,
            "job_uid": job_uid,
            "message": _shown(report.message, LONGEST_MESSAGE),
            "step": None if report.step is None else _shown(report.step, LONGEST_STEP) or None,
        }
    )


def _check_texts(report: BuildReport) -> None:
    if not _REASON.fullmatch(report.reason):
        raise _invalid("reason", "must be one word such as StepFailed")
    if report.succeeded != (report.reason == SUCCEEDED):
        raise _invalid("reason", f"must be {SUCCEEDED} exactly when succeeded is true")
    if report.succeeded and report.image_digest is None:
        raise _invalid("imageDigest", "is missing: a build that has succeeded has an image")
    for field, digest in (("imageDigest", report.image_digest), ("sourceDigest", report.source_digest)):
        if digest is not None and not _DIGEST.fullmatch(digest):
            raise _invalid(field, "must be sha256: and 64 hexadecimal digits in lower case")
    if report.commit is not None and not _COMMIT.fullmatch(report.commit):
        raise _invalid("commit", "must be a Git commit's full name in hexadecimal digits")
    if report.image_bytes is not None and not 0 <= report.image_bytes <= _MOST_BYTES:
        raise _invalid("imageBytes", "must be a number of bytes")


def _check_schema(field: str, schema: dict[str, JsonValue] | None, limit: int) -> None:
    if schema is None:
        return
    try:
        size = len(json.dumps(schema, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))
    except ValueError:
        raise _invalid(field, "holds a number that JSON does not have") from None
    if any(abs(number) > _LARGEST for number in _numbers(schema)):
        raise _invalid(field, "holds a number that is too large for the API server")
    if size > limit:
        raise _invalid(field, f"has {size:,} bytes, the most is {limit:,}")


def _numbers(schema: JsonValue) -> Iterator[int | float]:
    waiting: list[JsonValue] = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, int | float):
            yield value


def _check_seconds(seconds: BuildSeconds | None) -> None:
    for name, value in () if seconds is None else seconds:
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise _invalid(f"seconds.{name}", "must be a length of time")


def _shown(text: str, longest: int) -> str:
    line = _UNPRINTABLE.sub(" ", text).strip()
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _invalid(field: str, fault: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "InvalidReport", f"{field}: {fault}")
