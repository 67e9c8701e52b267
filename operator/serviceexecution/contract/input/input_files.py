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

from serviceexecution.contract.input.input_text import (
    check_number,
    check_total,
    decode_input,
    distinct_members,
    kind_of,
    larger_input,
    member_path,
    tags_of,
)
from serviceexecution.contract.input.property_names import check_property_name
from serviceexecution.contract.json_text import MAX_DEPTH, JsonTextError, skim
from serviceexecution.contract.json_types import JsonValue
from serviceexecution.contract.paths import PROPERTY_FILE_SUFFIX
from serviceexecution.contract.problems import InputError
from serviceexecution.contract.quoting import quoted

INPUT_JSON_LIMIT: Final = 256 * 1024
"""Most bytes of ``spec.inputJson``: escaped once more inside the resource, larger texts break etcd's request
limit."""

TAGS_PROPERTY: Final = "$tags"


@dataclass(frozen=True, slots=True)
class InputParts:
    """A checked input. ``properties``: name → JSON text of each value, in the input's order; ``tags``: from
    ``$tags``."""

    properties: Mapping[str, str]
    tags: tuple[str, ...] = ()


def parse_input_text(
    text: str | bytes, *, field: str = "spec.inputJson", limit: int = INPUT_JSON_LIMIT
) -> InputParts:
    """Return the checked parts of ``text``: of each top-level property the JSON text, exactly as it stands there.

    White space around values is left out. ``limit`` is in bytes of the whole text. Raises ``InputError``.
    """
    decoded = decode_input(text, field)
    size = len(text if isinstance(text, bytes) else decoded.encode())
    if size > limit:
        raise InputError(
            field, f"The input has {size:,} bytes, the limit here is {limit:,}. {larger_input(limit)}"
        )
    return _collect(distinct_members(decoded, field), field)


def parse_input_object(value: JsonValue, *, field: str = "spec.input") -> InputParts:
    """Return the checked parts of an inline object.

    The numbers are those that the API server kept, which need not be those that the user wrote. Raises ``InputError``.
    """
    if not isinstance(value, dict):
        raise InputError(
            field, f'The input must be a JSON object, but is {kind_of(value)}; wrap it as {{"data": …}}.'
        )
    check_number(len(value), field)
    _check_depth(value, field)
    return _collect(
        ((name, _dump(member, member_path(field, name))) for name, member in value.items()), field
    )


def input_members(text: str | bytes, *, field: str) -> list[tuple[str, str]]:
    """Name and exact JSON text of each member of the object ``text``, no name twice. Raises ``InputError``."""
    return list(distinct_members(decode_input(text, field), field))


def parts_of_members(found: Iterable[tuple[str, str]], *, field: str) -> InputParts:
    """Check the members of an input: their names, their sizes, ``$tags``. Raises ``InputError``."""
    return _collect(found, field)


def split_config_map(
    data: Mapping[str, str],
    *,
    field: str = "spec.inputFrom.configMapRef",
    names: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Name → JSON text of each property of an input that a ConfigMap's ``data`` holds, one key per property.

    A key is the property's name, or its file's name as ``kubectl create configmap --from-file=data.json``
    makes it. The texts stay byte for byte, white space too. Raises ``InputError``.
    """
    found = config_map_properties(data, field=field, names=names)
    return {name: data[key] for name, key in found.items()}


def property_names(annotation: str | None, *, field: str) -> dict[str, str]:
    """Key → property, from the annotation on an input's ConfigMap that names properties which are no legal keys.

    Raises ``InputError`` when it is not a JSON object of texts.
    """
    if annotation is None:
        return {}
    try:
        value = skim(annotation)
    except JsonTextError as error:
        raise InputError(field, f"The annotation is not valid JSON: {error}.") from None
    names = (
        {key: name for key, name in value.items() if isinstance(name, str)} if isinstance(value, dict) else {}
    )
    if not isinstance(value, dict) or len(names) != len(value):
        raise InputError(field, "The annotation must be a JSON object from key to property name.")
    return names


def config_map_properties(
    data: Mapping[str, str],
    *,
    field: str = "spec.inputFrom.configMapRef",
    names: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Name of each property → its key in the ConfigMap's ``data``; checks as ``split_config_map``.

    ``names``: key → property, for properties that are no legal keys.
    """
    check_number(len(data), field)
    keys: dict[str, str] = {}
    for key in sorted(data):
        name = _property_of(key, names)
        path = f"{field}[{quoted(key)}]"
        if name in keys:
            raise InputError(
                path,
                f"The keys {quoted(keys[name])} and {quoted(key)} are both the property {quoted(name)}; keep "
                f"one.",
            )
        check_property_name(name, path=path)
        try:
            skim(decode_input(data[key], path))
        except JsonTextError as error:
            raise InputError(
                path,
                f"The value of {quoted(key)} is not valid JSON: {error}. A text must stand in double quotes.",
            ) from None
        keys[name] = key
    check_total(((name, data[key]) for name, key in keys.items()), field)
    return keys


def property_keys(data: Mapping[str, str], *, names: Mapping[str, str] | None = None) -> dict[str, str]:
    """Name of each property → its key in ``data``, which ``split_config_map`` has read: no value is looked at again."""
    return {_property_of(key, names): key for key in data}


def _property_of(key: str, names: Mapping[str, str] | None) -> str:
    return (names or {}).get(key) or key.removesuffix(PROPERTY_FILE_SUFFIX)


def _collect(found: Iterable[tuple[str, str]], field: str) -> InputParts:
    properties: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    for name, text in found:
        path = member_path(field, name)
        if name == TAGS_PROPERTY:
            tags = tags_of(text, path)
            continue
        check_property_name(name, path=path)
        properties[name] = text
    check_total(properties.items(), field)
    return InputParts(properties, tags)


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
        return json.dumps(value, allow_nan=False)  # Half a surrogate pair exists only as an escape
    except ValueError:
        raise InputError(
            path, "The value holds a number that JSON cannot express; use spec.inputJson."
        ) from None
    return text
