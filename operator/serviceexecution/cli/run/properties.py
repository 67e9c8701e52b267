"""``-i name=value``: properties of an input by the service's schema, each as the JSON text that it becomes. Pure but
for the files that are named.
"""

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.run.schema import Schema
from serviceexecution.contract.json_text import JsonTextError, has_half_a_pair, joined, member_texts, skim

_OPTION: Final = re.compile(r"(?P<name>[^=]+?)(?P<kind>:?=)(?P<value>.*)", re.DOTALL)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<rest>\.[0-9]+)?(?P<power>[eE][+-]?[0-9]+)?")
_WORDS: Final = {"true": "boolean", "false": "boolean", "null": "null"}
_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Property:
    """One ``-i``: where it goes, and the JSON text of its value."""

    path: tuple[str, ...]
    text: str


def read_properties(options: Iterable[str], schema: Schema) -> list[Property]:
    """Return what options say; raises CommandError that names the property."""
    found: list[Property] = []
    for option in options:
        parts = _OPTION.fullmatch(option)
        if parts is None:
            raise CommandError("-i must be NAME=VALUE, NAME=@FILE or NAME:=JSON.")
        name, value, raw = parts["name"], parts["value"], parts["kind"] == ":="
        path = _path(name, schema, known=not raw)
        inner = schema.at(path)
        if value.startswith("@@"):
            text = (_json_text if raw else _by_type)(name, value[1:], inner)
        elif value.startswith("@"):
            text = _of_file(name, Path(value[1:]).expanduser(), inner, raw=raw)
        else:
            text = (_json_text if raw else _by_type)(name, value, inner)
        found.append(Property(path, text))
    return found


def with_properties(text: str, properties: Iterable[Property]) -> str:
    """Return the JSON object ``text`` with properties in it; raises CommandError. What it held stays as it was
    written, but for what is replaced.
    """
    for one in properties:
        text = _put(text, one.path, one.text, ".".join(one.path))
    return text


def check_required(text: str, schema: Schema) -> None:
    """Raise CommandError for a property that the service needs and the input lacks."""
    found = member_texts(text)
    for name in schema.required:
        if name not in found:
            raise CommandError(
                f"The input lacks the property {name}{_kind(schema.at((name,)))}: {_how(name)}"
            )
        inner = schema.at((name,))
        if inner.required and found[name].lstrip().startswith("{"):
            have = member_texts(found[name])
            for below in inner.required:
                if below not in have:
                    path = f"{name}.{below}"
                    raise CommandError(
                        f"The input lacks the property {path}{_kind(inner.at((below,)))}: {_how(path)}"
                    )


def _how(path: str) -> str:
    return f"give it with -i {path}=VALUE."


def _kind(schema: Schema) -> str:
    types = " or ".join(sorted(schema.types))
    return f" ({types})" if types else ""


def _path(name: str, schema: Schema, *, known: bool) -> tuple[str, ...]:
    """Return the path that a name is: properties below others stand behind dots."""
    if name in schema.properties:
        return (name,)
    path = tuple(name.split("."))
    if not all(path):
        raise CommandError(f"-i {name}: a name stands before and after each dot.")
    at = schema
    for index, part in enumerate(path):
        if at.properties and part not in at.properties and (known or at.is_closed):
            raise CommandError(_unknown(".".join(path[:index]), part, at))
        at = at.at((part,))
    return path


def _unknown(above: str, name: str, schema: Schema) -> str:
    known = sorted(schema.properties)
    near = difflib.get_close_matches(name, known, 1)
    where = f"{above} has" if above else "The service has"
    listed = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    hint = f" Do you mean {near[0]}?" if near else ""
    shown = f"{above}.{name}" if above else name
    return f"-i {shown}: {where} no property of this name, but {listed}.{hint}"


def _json_text(name: str, value: str, _: Schema) -> str:
    try:
        skim(value)
    except JsonTextError as error:
        raise CommandError(f"-i {name}: the value is no JSON: {error}.") from None
    return value


def _by_type(name: str, value: str, schema: Schema) -> str:
    """Return the JSON text of a value from a command line, of the type that the schema wants."""
    types = schema.types
    if schema.is_data_pool and not value.lstrip().startswith("{"):
        return json.dumps({"id": value, "ref": "DATAPOOL"}, ensure_ascii=False)
    number = _NUMBER.fullmatch(value)
    if number is not None and ("number" in types or ("integer" in types and _is_whole(number))):
        return value
    if value in _WORDS and _WORDS[value] in types:
        return value
    if types & {"object", "array"} and value.lstrip()[:1] in {"{", "["}:
        return _json_text(name, value, schema)
    if not types or "string" in types:
        if has_half_a_pair(value):
            raise CommandError(f"-i {name}: the value is not UTF-8 text.")
        return json.dumps(value, ensure_ascii=False)
    if schema.choices and value in (choices := {str(choice): choice for choice in schema.choices}):
        return json.dumps(choices[value])
    raise CommandError(f"-i {name}: {_shortened(value)} is no {_wanted(schema)}.")


def _wanted(schema: Schema) -> str:
    if schema.choices:
        return f"one of {', '.join(json.dumps(choice, ensure_ascii=False) for choice in schema.choices)}"
    words = {"boolean": "boolean (true or false)", "object": "JSON object", "array": "JSON list"}
    return " or ".join(words.get(one, one) for one in sorted(schema.types))


def _is_whole(number: re.Match[str]) -> bool:
    return number["rest"] is None and number["power"] is None


def _of_file(name: str, path: Path, schema: Schema, *, raw: bool) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CommandError(f"-i {name}: {path} cannot be read: {error.strerror}.") from None
    if schema.is_base64 and not raw:
        import base64

        return json.dumps(base64.b64encode(data).decode())
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise CommandError(
            f"-i {name}: {path} is not UTF-8 text; put binary files into a data pool."
        ) from None
    types = schema.types
    as_text = "string" in types or (not types and path.suffix != ".json")
    if as_text and not raw:
        return json.dumps(text, ensure_ascii=False)
    if types & {"object", "array"} or raw or not types:
        return _json_text(f"{name} ({path})", text, schema)
    return _by_type(name, text.strip(), schema)


def _put(text: str, path: tuple[str, ...], value: str, shown: str) -> str:
    try:
        found = member_texts(text)
    except JsonTextError:
        raise CommandError(f"-i {shown}: what stands above it in the input is no JSON object.") from None
    head, rest = path[0], path[1:]
    found[head] = _put(found.get(head, "{}"), rest, value, shown) if rest else value
    return joined(found)


def _shortened(value: str) -> str:
    return repr(value) if len(value) <= 40 else f"{value[:40]!r}…"
