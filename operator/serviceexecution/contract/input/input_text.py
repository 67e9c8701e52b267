"""What every way of giving an input shares: text to members, with one sentence for whatever is wrong.

``field`` is the input's name in messages: ``spec.inputJson`` of a resource, ``$`` of a request's body. Errors are
raised "from None": the standard library's hold the whole text, which may hold secrets.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from serviceexecution.contract.json_text import JsonTextError, has_half_a_pair, members, skim
from serviceexecution.contract.json_types import JsonValue
from serviceexecution.contract.problems import InputError
from serviceexecution.contract.quoting import quoted

INPUT_LIMIT: Final = 1_000_000
"""Most bytes of an input's names and values together: they travel in a ConfigMap, which ends at 1 MiB."""
MAX_PROPERTIES: Final = 10_000
"""Most properties of an input, as ``spec.input`` in the CRD has it: each becomes a file. Values may hold any number."""

_BYTE_ORDER_MARK: Final = "\ufeff"


def decode_input(text: str | bytes, field: str) -> str:
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            raise InputError(
                field, f"The input is not UTF-8 text (byte {error.start}); save it as UTF-8."
            ) from None
    if text.startswith(_BYTE_ORDER_MARK):
        raise InputError(
            field,
            "The input starts with a byte order mark, which JSON forbids; save it as UTF-8 without one.",
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            field,
            f"The input has half a surrogate pair at character {error.start}, which is no character; correct "
            f"it.",
        ) from None
    return text


def distinct_members(text: str, field: str) -> Iterable[tuple[str, str]]:
    try:
        found = [(name, value) for name, value, _ in islice(members(text), MAX_PROPERTIES + 1)]
    except JsonTextError as error:
        raise InputError(field, _not_an_object(text, error)) from None
    check_number(len(found), field)
    seen: set[str] = set()
    for name, _ in found:
        if name in seen:
            raise InputError(
                member_path(field, name),
                f"The property {quoted(name)} stands in the input twice; keep one of them.",
            )
        seen.add(name)
    return found


def check_number(properties: int, field: str) -> None:
    if properties > MAX_PROPERTIES:
        raise InputError(
            field,
            f"The input has more than {MAX_PROPERTIES:,} properties; put them into one, such as data, whose value "
            "holds them.",
        )


def _not_an_object(text: str, error: JsonTextError) -> str:
    try:
        value = skim(text)
    except JsonTextError:
        return f"The input is not valid JSON: {error}."
    if isinstance(value, dict):  # Valid for the one, not for the other: cannot be, but must not be hidden
        return f"The input could not be split: {error}."
    return f'The input must be a JSON object, but is {kind_of(value)}; wrap it as {{"data": …}}.'


def tags_of(text: str, path: str) -> tuple[str, ...]:
    value = skim(text)
    tags = tuple(tag for tag in value if isinstance(tag, str)) if isinstance(value, list) else ()
    if not isinstance(value, list) or len(tags) != len(value):
        raise InputError(
            path, "$tags must be a list of strings: it names the execution's tags and never becomes a file."
        )
    if any(has_half_a_pair(tag) for tag in tags):
        raise InputError(
            path, "A tag holds half a surrogate pair, which is no character; correct the escape."
        )
    return tags


def check_total(properties: Iterable[tuple[str, str]], field: str) -> None:
    size = sum(len(name.encode()) + len(text.encode()) for name, text in properties)
    if size > INPUT_LIMIT:
        raise InputError(
            field,
            f"The input's values have {size:,} bytes together, the limit is {INPUT_LIMIT:,}. "
            f"{larger_input(INPUT_LIMIT)}",
        )


def larger_input(limit: int) -> str:
    if limit < INPUT_LIMIT:
        return f"Use spec.inputFrom for up to {INPUT_LIMIT:,} bytes, and a data pool for more."
    return "Put large data into a data pool."


def member_path(field: str, name: str) -> str:
    return f"{field}[{quoted(name)}]"


def kind_of(value: JsonValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case list():
            return "a list"
        case str():
            return "a text"
        case _:
            return "a number"
