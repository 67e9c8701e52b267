"""The body of a POST or PUT of a data pool. Pure."""

import hashlib
import json
import re
import uuid
from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_text import has_half_a_pair
from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.resources.names import ANNOTATION_REQUEST_DIGEST, API_GROUP, API_VERSION, POOL_KIND
from serviceexecution.resources.pools.pool import (
    LONGEST_DESCRIPTION,
    LONGEST_DISPLAY_NAME,
    LONGEST_SHORT_DESCRIPTION,
    LONGEST_TAG,
    MOST_TAGS,
)

BODY_LIMIT: Final = 64 * 1024
SHORTEST_NAME: Final = 3
_LONGEST_SLUG: Final = 40
_TEXTS: Final = {"shortDescription": LONGEST_SHORT_DESCRIPTION, "description": LONGEST_DESCRIPTION}


def pool_members(body: bytes) -> JsonObject:
    """Return the members of a body; raises Problem 400. An empty one has none."""
    try:
        found = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise _wrong("$", "The body must be a JSON object.") from None
    if not isinstance(found, dict):
        raise _wrong("$", "The body must be a JSON object.")
    return found


def new_spec(members: JsonObject) -> JsonObject:
    """Return the spec of a new data pool; raises Problem 400."""
    if members.get("name") is None:
        raise _wrong(
            "$.name", f"name must be a text of {SHORTEST_NAME} to {LONGEST_DISPLAY_NAME} characters."
        )
    return {name: value for name, value in changed_spec(members).items() if value is not None}


def changed_spec(members: JsonObject) -> JsonObject:
    """Return the merge patch of a spec: what is absent stays, and null clears; raises Problem 400."""
    spec: JsonObject = {}
    if "name" in members:
        spec["displayName"] = _name(members["name"])
    for name, most in _TEXTS.items():
        if name in members:
            spec[name] = _text(name, members[name], most)
    if "tags" in members:
        spec["tags"] = _tags(members["tags"])
    return spec


def new_pool(spec: JsonObject, name: str, digest: str | None) -> JsonObject:
    """Return the object of a new data pool."""
    metadata: JsonObject = {"name": name}
    if digest is not None:
        metadata["annotations"] = {ANNOTATION_REQUEST_DIGEST: digest}
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": POOL_KIND,
        "metadata": metadata,
        "spec": spec,
    }


def object_name(shown: str, namespace: str, username: str, key: str | None) -> str:
    """Return the name of a new object: for people, and with what makes it the only one.

    With an Idempotency-Key it follows from the key, so that the API server is the judge.
    """
    if key is not None:
        digest = hashlib.sha256("\0".join((namespace, username, key)).encode()).hexdigest()
        return f"pool-{digest[:16]}"
    slug = re.sub("[^a-z0-9]+", "-", shown.lower())[:_LONGEST_SLUG].strip("-")
    return f"{slug or 'pool'}-{uuid.uuid4().hex[:12]}"


def _name(value: JsonValue) -> str | None:
    if value is None:
        return None
    name = _text("name", value, LONGEST_DISPLAY_NAME)
    if name is None or len(name) < SHORTEST_NAME or not name.isprintable():
        raise _wrong(
            "$.name", f"name must be a text of {SHORTEST_NAME} to {LONGEST_DISPLAY_NAME} characters."
        )
    return name


def _text(name: str, value: JsonValue, most: int) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most or has_half_a_pair(value):
        raise _wrong(f"$.{name}", f"{name} must be a text of at most {most} characters.")
    return value


def _tags(value: JsonValue) -> list[JsonValue]:
    if value is None:
        return []
    tags = [tag.lower() for tag in value if isinstance(tag, str)] if isinstance(value, list) else []
    if (
        not isinstance(value, list)
        or len(tags) != len(value)
        or len(tags) > MOST_TAGS
        or any(not tag or len(tag) > LONGEST_TAG or has_half_a_pair(tag) for tag in tags)
    ):
        raise _wrong("$.tags", f"tags must be at most {MOST_TAGS} texts of 1 to {LONGEST_TAG} characters.")
    return list(dict.fromkeys(tags))


def _wrong(path: str, sentence: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "InvalidDataPool", sentence, members={"path": path})
