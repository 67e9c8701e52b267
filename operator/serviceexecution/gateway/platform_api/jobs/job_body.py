"""The body of a POST of a job. Pure.

The input is cut out of the body byte for byte, as the Service API's is: ``1.0`` and ``12345678901234567890`` stay what
they are.
"""

from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.input.submission import Submission
from serviceexecution.contract.json_text import skim
from serviceexecution.gateway.service_api.submission.nested_input import (
    body_members,
    given,
    given_tags,
    input_submission,
    tagged,
    wrong,
)

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
    found = body_members(body)
    service_id = found.get("serviceId")
    identifier = skim(service_id) if service_id is not None and len(service_id) <= _LONGEST_ID else None
    if not isinstance(identifier, str) or not identifier:
        raise wrong("serviceId", "serviceId must be the id of a service, as GET services shows it.")
    store = given(found, "storeInput") or "false"
    if store not in {"true", "false"}:
        raise wrong("storeInput", "storeInput must be true or false.")
    return JobBody(identifier, given(found, "input") or "{}", given_tags(found), store == "true")


def job_submission(job: JobBody) -> Submission:
    """Return what a job asks to run with; raises Problem 400, 413."""
    submission = input_submission(job.input)
    return tagged(submission, (*job.tags, *submission.tags))
