"""Bodies of calls that write services: read within bounds, and their members as texts. Pure, but for the reading."""

import json
from http import HTTPStatus
from typing import Final

from fastapi import Request

from serviceexecution.contract.json_text import has_half_a_pair
from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.http.bodies.reading import whole_body
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.settings import GatewaySettings

BODY_LIMIT: Final = 128 * 1024


async def json_body(request: Request, settings: GatewaySettings) -> tuple[bytes, JsonValue]:
    """Return a request's body and the value in it; raises ClientDisconnect; Problem 400, 408, 413."""
    refusal = Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "BodyTooLarge",
        f"What is said of a service may have {BODY_LIMIT:,} bytes.",
        members={"limit": BODY_LIMIT},
    )
    body = await whole_body(request, settings.body_idle_seconds, BODY_LIMIT, refusal, settings.input_seconds)
    try:
        found: JsonValue = json.loads(body)
    except (ValueError, RecursionError):
        raise wrong("$", "The body must be JSON.") from None
    return body, found


def members(body: JsonValue) -> JsonObject:
    """Return the members of a body; raises Problem 400."""
    if not isinstance(body, dict):
        raise wrong("$", "The body must be a JSON object.")
    return body


def text(body: JsonObject, name: str, most: int, *, path: str = "$") -> str | None:
    """Return a member that is a text of at most ``most`` characters, None for null and nothing; raises Problem 400."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most or has_half_a_pair(value) or "\0" in value:
        raise wrong(f"{path}.{name}", f"{name} must be a text of at most {most:,} characters.")
    return value


def wrong(path: str, sentence: str) -> Problem:
    """Return a 400 that names the member."""
    return Problem(HTTPStatus.BAD_REQUEST, "InvalidService", sentence, members={"path": path})
