"""Bodies that hold an input among other members, such as that of a rerun. Pure."""

from dataclasses import replace
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
from serviceexecution.contract.json_text import has_half_a_pair, skim
from serviceexecution.contract.json_types import JsonValue
from serviceexecution.contract.problems import InputError
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.service_api.submission.intake import NoInputError, input_too_large

BODY_LIMIT: Final = INPUT_LIMIT + 64 * 1024
"""Most bytes of a body: an input, and what stands around it."""
_BODY: Final = "$"


def input_submission(text: str) -> Submission:
    """Return what the text of a member ``input`` asks to run with, as a POST to the service of the same input; raises
    Problem 400, 413.
    """
    try:
        return parse_submission(text.encode())
    except InputTooLargeError:
        raise input_too_large() from None
    except InputError as error:
        raise NoInputError(
            HTTPStatus.BAD_REQUEST, "InvalidInput", str(error), members={"path": f"$.input{error.path[1:]}"}
        ) from None


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
    found = body_members(body) if body.strip() else {}
    changed = input_submission(given(found, "input") or "{}")
    return changed, given_tags(found) if given(found, "tags") is not None else None


def body_members(body: bytes) -> dict[str, str]:
    """Return the members of a body that is a JSON object, as texts; raises Problem 400."""
    try:
        return dict(input_members(body, field=_BODY))
    except InputError as error:
        raise NoInputError(
            HTTPStatus.BAD_REQUEST, "InvalidInput", str(error), members={"path": error.path}
        ) from None


def given(found: dict[str, str], name: str) -> str | None:
    """Return the text of a member, None when it is absent or null."""
    text = found.get(name)
    return None if text is None or text.strip() == "null" else text


def given_tags(found: dict[str, str]) -> tuple[str, ...]:
    """Return the member tags; raises Problem 400."""
    value: JsonValue = skim(given(found, "tags") or "[]")
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise wrong("tags", "tags must be an array of texts.")
    tags = tuple(tag for tag in value if isinstance(tag, str))
    if any(has_half_a_pair(tag) for tag in tags):
        raise wrong("tags", "a tag holds half a surrogate pair, which is no character; correct the escape.")
    return tags


def wrong(name: str, sentence: str) -> Problem:
    """Return the 400 of a member."""
    return Problem(HTTPStatus.BAD_REQUEST, "InvalidInput", sentence, members={"path": f"$.{name}"})
