"""JSON values as Python types, and the one way into JSON that nobody has checked; shared by every room.

What has another shape than expected is taken for absent: nothing here raises.
"""

from typing import TypeAlias

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, JsonValue]


def object_of(value: object) -> JsonObject:
    """Return the value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def object_at(body: JsonObject, *path: str) -> JsonObject:
    """Return the object to which the names lead, an empty one when there is none."""
    for name in path:
        body = object_of(body.get(name))
    return body


def objects_of(value: object) -> list[JsonObject]:
    """Return the members of a list that are objects; none when the value is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    """Return the value when it is a text, else ""."""
    return value if isinstance(value, str) else ""


def text_at(body: JsonObject, *path: str) -> str:
    """Return the text to which the names lead, "" when there is none."""
    return text_of(object_at(body, *path[:-1]).get(path[-1]))


def metadata_of(body: JsonObject) -> JsonObject:
    """Return the metadata of an object of the Kubernetes API."""
    return object_of(body.get("metadata"))
