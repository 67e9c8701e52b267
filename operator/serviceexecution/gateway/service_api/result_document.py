"""The result of an execution as one HAL document. Pure.

Source: the runtime interface ("Main Result"). The members of the program's own object are copied character by
character: ``1.0`` and ``12345678901234567890`` stay what they are.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from serviceexecution.contract.json_text import JsonTextError, members
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.service_api.views import file_link
from serviceexecution.resources.execution_status import ExecutionStatus, Phase

INLINE_LIMIT: Final = 16 * 1024 * 1024
"""Most bytes of a main result that become members of the document; larger ones are files alone."""

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
) -> str:
    """Return the document as JSON text.

    ``main_result`` is the text of the main result, None when there is none that could be given inline; ``problem`` that
    of the problem that the program left beside it; ``files`` are the paths of all output files.
    """
    result_url = f"{execution_url}/result"
    links: dict[str, JsonObject] = {path: {"href": file_link(result_url, path)} for path in files}
    own: dict[str, JsonObject] = {"self": {"href": result_url}, "status": {"href": execution_url}}
    found = _members(main_result)
    if status.phase is Phase.FAILED and not is_problem(found):
        found = {**(_problem_members(problem) or _synthesised(status)), **found}
    parts = {
        **found,
        "_embedded": _dump({"status": view}),
        "_links": _dump({**own, **{path: link for path, link in links.items() if path not in _OWN_LINKS}}),
    }
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in parts.items()) + "}"


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


def _members(text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    try:
        return {name: value for name, value, _ in members(text) if name not in _OWN_MEMBERS}
    except JsonTextError:  # no object, or no JSON, such as NaN
        return {}


def _problem_members(text: str | None) -> dict[str, str]:
    found = _members(text)
    return found if is_problem(found) else {}


def _synthesised(status: ExecutionStatus) -> dict[str, str]:
    return {name: json.dumps(value) for name, value in problem_of_failure(status).items()}


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
