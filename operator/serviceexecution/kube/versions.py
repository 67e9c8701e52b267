"""Resource versions of objects; those of one kind are comparable numbers (KEP-5504)."""

from serviceexecution.contract.json_types import JsonObject, text_at


def newer(one: str, other: str) -> bool:
    """Tell whether a resource version is not older than another; those that are no numbers are always new."""
    return not (one.isdecimal() and other.isdecimal()) or int(one) >= int(other)


def number_of(version: str) -> int:
    """Return a resource version as a number, 0 when it is none."""
    return int(version) if version.isascii() and version.isdecimal() else 0


def version_of(body: JsonObject) -> int:
    """Return an object's resource version."""
    return number_of(text_at(body, "metadata", "resourceVersion"))
