"""From a service's input, one JSON object, to the files that its program reads.

Source: the runtime interface ("a file for each top-level property"); the in-container libraries, which cut a
file's name at its first dot and refuse a byte order mark; and what Kubernetes allows for ConfigMaps.
Values are passed on byte for byte wherever the input is text: ``1.0``, ``12345678901234567890``, ``1e3`` and
``null`` stay.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.json_text import MAX_DEPTH, JsonTextError, members, skim
from serviceexecution.contract.json_types import JsonValue
from serviceexecution.contract.paths import PROPERTY_FILE_SUFFIX
from serviceexecution.contract.problems import InputError
from serviceexecution.contract.property_names import check_property_name
from serviceexecution.contract.quoting import quoted

INPUT_JSON_LIMIT: Final = 256 * 1024
"""Most bytes of ``spec.inputJson``: escaped once more inside the resource, larger texts break etcd's request
limit."""

INPUT_LIMIT: Final = 1_000_000
"""Most bytes of an input's names and values together: they travel in a ConfigMap, which ends at 1 MiB."""

TAGS_PROPERTY: Final = "$tags"

# errors are raised "from None": the standard library's hold the whole text, which may hold secrets
_BYTE_ORDER_MARK: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class InputParts:
    """A checked input. ``properties``: name → JSON text of each value, in the input's order; ``tags``: from
    ``$tags``."""

    properties: Mapping[str, str]
    tags: tuple[str, ...] = ()


def split_input_text(
    text: str | bytes, *, field: str = "spec.inputJson", limit: int = INPUT_JSON_LIMIT
) -> dict[str, str]:
    """Name → JSON text of each top-level property of ``text``, exactly as it stands there, without ``$tags``.

    White space around values is left out. ``limit`` is in bytes of the whole text. Raises
    :class:`InputError`.
    """
    return dict(parse_input_text(text, field=field, limit=limit).properties)


def split_input_object(value: JsonValue, *, field: str = "spec.input") -> dict[str, str]:
    """Name → JSON text of each property of an inline object, without ``$tags``.

    The numbers are those that the API server kept, which need not be those that the user wrote. Raises
    :class:`InputError`.
    """
    return dict(parse_input_object(value, field=field).properties)


def parse_input_text(
    text: str | bytes, *, field: str = "spec.inputJson", limit: int = INPUT_JSON_LIMIT
) -> InputParts:
    """As :func:`split_input_text`, with the tags. Raises :class:`InputError`."""
    decoded = _decode(text, field)
    size = len(text if isinstance(text, bytes) else decoded.encode())
    if size > limit:
        raise InputError(
            field, f"The input has {size:,} bytes, the limit here is {limit:,}. {_larger_input(limit)}"
        )
    return _collect(_checked_members(decoded, field), field)


def parse_input_object(value: JsonValue, *, field: str = "spec.input") -> InputParts:
    """As :func:`split_input_object`, with the tags. Raises :class:`InputError`."""
    if not isinstance(value, dict):
        raise InputError(
            field, f'The input must be a JSON object, but is {_kind(value)}; wrap it as {{"data": …}}.'
        )
    _check_depth(value, field)
    return _collect(
        ((name, _dump(member, _member_path(field, name))) for name, member in value.items()), field
    )


def split_config_map(
    data: Mapping[str, str], *, field: str = "spec.inputFrom.configMapRef"
) -> dict[str, str]:
    """Name → JSON text of each property of an input that a ConfigMap's ``data`` holds, one key per property.

    A key is the property's name, or its file's name as ``kubectl create configmap --from-file=data.json``
    makes it. The texts stay byte for byte, white space too. Raises :class:`InputError`.
    """
    return {name: data[key] for name, key in config_map_properties(data, field=field).items()}


def config_map_properties(
    data: Mapping[str, str], *, field: str = "spec.inputFrom.configMapRef"
) -> dict[str, str]:
    """Name of each property → its key in the ConfigMap's ``data``; checks as :func:`split_config_map`."""
    keys: dict[str, str] = {}
    for key in sorted(data):
        name = key.removesuffix(PROPERTY_FILE_SUFFIX)
        path = f"{field}[{quoted(key)}]"
        if name in keys:
            raise InputError(
                path,
                f"The keys {quoted(keys[name])} and {quoted(key)} are both the property {quoted(name)}; keep "
                f"one.",
            )
        check_property_name(name, path=path)
        try:
            skim(_decode(data[key], path))
        except JsonTextError as error:
            raise InputError(
                path,
                f"The value of {quoted(key)} is not valid JSON: {error}. A text must stand in double quotes.",
            ) from None
        keys[name] = key
    _check_total(((name, data[key]) for name, key in keys.items()), field)
    return keys


def _decode(text: str | bytes, field: str) -> str:
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


def _checked_members(text: str, field: str) -> Iterable[tuple[str, str]]:
    try:
        found = [(name, value) for name, value, _ in members(text)]
    except JsonTextError as error:
        raise InputError(field, _not_an_object(text, error)) from None
    seen: set[str] = set()
    for name, _ in found:
        if name in seen:
            raise InputError(
                _member_path(field, name),
                f"The property {quoted(name)} stands in the input twice; keep one of them.",
            )
        seen.add(name)
    return found


def _not_an_object(text: str, error: JsonTextError) -> str:
    try:
        value = skim(text)
    except JsonTextError:
        return f"The input is not valid JSON: {error}."
    if isinstance(value, dict):  # valid for the one, not for the other: cannot be, but must not be hidden
        return f"The input could not be split: {error}."
    return f'The input must be a JSON object, but is {_kind(value)}; wrap it as {{"data": …}}.'


def _collect(found: Iterable[tuple[str, str]], field: str) -> InputParts:
    properties: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    for name, text in found:
        path = _member_path(field, name)
        if name == TAGS_PROPERTY:
            tags = _tags(text, path)
            continue
        check_property_name(name, path=path)
        properties[name] = text
    _check_total(properties.items(), field)
    return InputParts(properties, tags)


def _tags(text: str, path: str) -> tuple[str, ...]:
    value = skim(text)
    tags = tuple(tag for tag in value if isinstance(tag, str)) if isinstance(value, list) else ()
    if not isinstance(value, list) or len(tags) != len(value):
        raise InputError(
            path, "$tags must be a list of strings: it names the execution's tags and never becomes a file."
        )
    return tags


def _check_total(properties: Iterable[tuple[str, str]], field: str) -> None:
    size = sum(len(name.encode()) + len(text.encode()) for name, text in properties)
    if size > INPUT_LIMIT:
        raise InputError(
            field,
            f"The input's values have {size:,} bytes together, the limit is {INPUT_LIMIT:,}. "
            f"{_larger_input(INPUT_LIMIT)}",
        )


def _larger_input(limit: int) -> str:
    if limit < INPUT_LIMIT:
        return f"Use spec.inputFrom for up to {INPUT_LIMIT:,} bytes, and a data pool for more."
    return "Put large data into a data pool."


def _check_depth(value: JsonValue, field: str) -> None:
    """Walks level by level: a recursion could not look deeper than it may go."""
    level: list[JsonValue] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise InputError(
        field, f"The input nests deeper than {MAX_DEPTH} levels; flatten it or put it into a data pool."
    )


def _dump(value: JsonValue, path: str) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False)  # half a surrogate pair exists only as an escape
    except ValueError:
        raise InputError(
            path, "The value holds a number that JSON cannot express; use spec.inputJson."
        ) from None
    return text


def _member_path(field: str, name: str) -> str:
    return f"{field}[{quoted(name)}]"


def _kind(value: JsonValue) -> str:
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
