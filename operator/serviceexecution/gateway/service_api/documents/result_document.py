"""The result of an execution as one HAL document. Pure.

Source: the runtime interface ("Main Result"). The members of the program's own object are copied character by
character: ``1.0`` and ``12345678901234567890`` stay what they are.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from serviceexecution.contract.json_text import JsonTextError, members
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.contract.paths import MAIN_RESULT_FILE
from serviceexecution.gateway.service_api.documents.execution_document import file_link
from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase

INLINE_LIMIT: Final = 16 * 1024 * 1024
"""Most bytes of a main result that become members of the document; larger ones are only files."""

INLINE_MEMBERS: Final = 100_000
"""Most members of a main result that become members of the document: each costs more than its bytes."""

_OWN_MEMBERS: Final = frozenset({"_embedded", "_links"})
_PROBLEM_MEMBERS: Final = ("type", "title", "status", "detail")
_OWN_LINKS: Final = ("self", "status")


def result_document(
    main_result: str | None,
    view: JsonObject,
    status: ExecutionStatus,
    execution_url: str,
    files: Iterable[str],
    *,
    problem: str | None = None,
    why_no_text: str | None = None,
    result: str = "result",
) -> str:
    """Return the whole document as JSON text; for the arguments see ``members_part`` and ``links_parts``."""
    parts = [
        *members_part(main_result, view, status, problem, why_no_text),
        *links_parts(execution_url, [files], result=result),
    ]
    return b"".join(parts).decode()


def members_part(
    main_result: str | None,
    view: JsonObject,
    status: ExecutionStatus,
    problem: str | None = None,
    why_no_text: str | None = None,
) -> list[bytes]:
    """Return the document's beginning: the members of the main result, and the execution.

    ``main_result`` is the text of the main result, None when there is none that could be given inline, ``why_no_text``
    then says why; ``problem`` is the text of the problem that the program left beside it. Of a success whose main
    result has no members, ``_embedded.message`` says why.
    """
    found, message = _members(main_result)
    embedded: JsonObject = {"status": view}
    message = message or (why_no_text if main_result is None else None)
    if message is not None and status.phase is Phase.SUCCEEDED:  # Else the problem says what happened
        embedded["message"] = message
    if status.phase is Phase.FAILED and not is_problem(found):
        found = {**(_problem_members(problem) or _synthesised(status)), **found}
    parts = [b"{"]
    while found:  # What has been encoded is held no longer
        name = next(iter(found))
        parts.append(f"{json.dumps(name)}:{found.pop(name)},".encode())
    parts.append(f'"_embedded":{_dump(embedded)},'.encode())
    return parts


def links_parts(
    execution_url: str, files: Iterable[Iterable[str]], *, result: str = "result"
) -> Iterator[bytes]:
    """Give the document's end: links to ``files``, paths of the output in pieces that are quick to work on.

    ``result`` is what the result is called below the execution's URL.
    """
    result_url = f"{execution_url}/{result}"
    own: JsonObject = {"self": {"href": result_url}, "status": {"href": execution_url}}
    yield b'"_links":' + _dump(own)[:-1].encode()
    for piece in files:
        links = [
            f",{_dump(path)}:{_dump({'href': file_link(result_url, path)})}"
            for path in piece
            if path not in _OWN_LINKS
        ]
        yield "".join(links).encode()
    yield b"}}"


def problem_of_failure(status: ExecutionStatus) -> JsonObject:
    """Return the problem (RFC 9457) that stands for the result of a failed run that left none itself."""
    return {
        "type": "about:blank",
        "title": status.reason or "Failed",
        "status": 500,
        "detail": status.message or "The execution failed.",
        "code": status.reason or "Failed",
    }


def is_problem(found: Mapping[str, str]) -> bool:
    """Tell whether members (name → JSON text) are those of a problem: clients find what went wrong in them."""
    return all(name in found for name in _PROBLEM_MEMBERS)


def _members(text: str | None) -> tuple[dict[str, str], str | None]:
    """Return the members, and why there are none."""
    if text is None:
        return {}, None
    if not text.strip():
        return {}, f"{MAIN_RESULT_FILE} is empty and therefore no JSON."
    try:
        found = {
            name: value
            for name, value, _ in itertools.islice(members(text), INLINE_MEMBERS + 1)
            if name not in _OWN_MEMBERS
        }
    except JsonTextError as error:  # No object, or no JSON, such as NaN
        return {}, f"{MAIN_RESULT_FILE} has no members that could stand here: {error}. Read it as a file."
    if len(found) > INLINE_MEMBERS:
        return {}, f"{MAIN_RESULT_FILE} has more than {INLINE_MEMBERS:,} members: read it as a file."
    return found, None


def _problem_members(text: str | None) -> dict[str, str]:
    found, _ = _members(text)
    return found if is_problem(found) else {}


def _synthesised(status: ExecutionStatus) -> dict[str, str]:
    return {name: json.dumps(value) for name, value in problem_of_failure(status).items()}


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
