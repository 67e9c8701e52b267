"""The body of a POST of a job. Pure.

The input is cut out of the body byte for byte, as the Service API's is: ``1.0`` and ``12345678901234567890`` stay what
they are.
"""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from serviceexecution.contract.input.input_files import input_members
from serviceexecution.contract.input.input_text import INPUT_LIMIT
from serviceexecution.contract.input.submission import (
    MAX_TAG_LENGTH,
    MAX_TAGS,
    InputTooLargeError,
    Submission,
    parse_submission,
)
from serviceexecution.contract.json_text import skim
from serviceexecution.contract.json_types import JsonValue
from serviceexecution.contract.problems import InputError
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.service_api.submission.intake import NoInputError, input_too_large

BODY_LIMIT: Final = INPUT_LIMIT + 64 * 1024
"""Most bytes of a body: an input, and what stands around it."""
_BODY: Final = "$"
_LONGEST_ID: Final = 64


@dataclass(frozen=True, slots=True)
class JobBody:
    """What a job's body says, its input still as text."""

    service_id: str
    input: str = "{}"
    tags: tuple[str, ...] = ()
    store_input: bool = False


def job_body(body: bytes) -> JobBody:
    """Return what the body says; raises Problem 400."""
    found = _members(body)
    service_id = found.get("serviceId")
    identifier = skim(service_id) if service_id is not None and len(service_id) <= _LONGEST_ID else None
    if not isinstance(identifier, str) or not identifier:
        raise wrong("serviceId", "serviceId must be the id of a service, as GET services shows it.")
    store = _given(found, "storeInput") or "false"
    if store not in {"true", "false"}:
        raise wrong("storeInput", "storeInput must be true or false.")
    return JobBody(identifier, _given(found, "input") or "{}", _tags(found), store == "true")


def job_submission(job: JobBody) -> Submission:
    """Return what a job asks to run with, as a POST to the service of the same input; raises Problem 400, 413."""
    try:
        submission = parse_submission(job.input.encode())
    except InputTooLargeError:
        raise input_too_large() from None
    except InputError as error:
        raise NoInputError(
            HTTPStatus.BAD_REQUEST, "InvalidInput", str(error), members={"path": f"$.input{error.path[1:]}"}
        ) from None
    return tagged(submission, (*job.tags, *submission.tags))


def tagged(submission: Submission, tags: tuple[str, ...]) -> Submission:
    """Return the submission with these tags in lower case, each once; raises Problem 400."""
    lower = tuple(dict.fromkeys(tag.lower() for tag in tags))
    if len(lower) > MAX_TAGS or any(len(tag) > MAX_TAG_LENGTH for tag in lower):
        raise wrong("tags", f"tags may be {MAX_TAGS}, of {MAX_TAG_LENGTH} characters each.")
    return replace(submission, tags=lower)


def changes(body: bytes) -> tuple[Submission, tuple[str, ...] | None]:
    """Return the members of the input that a rerun changes, and its tags, None for those that the job had.

    Raises Problem 400, 413. An empty body, as the client sends it, changes nothing.
    """
    found = _members(body) if body.strip() else {}
    job = JobBody("", _given(found, "input") or "{}")
    return job_submission(job), _tags(found) if _given(found, "tags") is not None else None


def _members(body: bytes) -> dict[str, str]:
    try:
        return dict(input_members(body, field=_BODY))
    except InputError as error:
        raise NoInputError(
            HTTPStatus.BAD_REQUEST, "InvalidInput", str(error), members={"path": error.path}
        ) from None


def _given(found: dict[str, str], name: str) -> str | None:
    """Return the text of a member, None when it is absent or null."""
    text = found.get(name)
    return None if text is None or text.strip() == "null" else text


def _tags(found: dict[str, str]) -> tuple[str, ...]:
    value: JsonValue = skim(_given(found, "tags") or "[]")
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise wrong("tags", "tags must be an array of texts.")
    return tuple(tag for tag in value if isinstance(tag, str))


def wrong(name: str, sentence: str) -> Problem:
    """Return the 400 of a member."""
    return Problem(HTTPStatus.BAD_REQUEST, "InvalidInput", sentence, members={"path": f"$.{name}"})
