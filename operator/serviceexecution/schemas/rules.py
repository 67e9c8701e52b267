"""JSON Schema 2020-12 as far as services may use it: no references to the outside, patterns in linear time.

Source: https://json-schema.org/draft/2020-12. Formats are annotations, as the draft has it by default.
"""

import json
from dataclasses import dataclass
from itertools import islice
from typing import Final, Never

import jsonschema_rs

from serviceexecution.contract.json_types import JsonObject, JsonValue

SCHEMA_LIMIT: Final = 64 * 1024
"""Most bytes of a schema as JSON text."""

MAX_FAULTS: Final = 20
ALL_FAULTS_BYTES: Final = 20_000
"""Longest value whose faults are all looked for; of longer ones the first is said. The validator cannot stop in
between, and each fault costs it some sixty microseconds and two kilobytes: a list of 300,000 numbers where texts belong
took 34 s and 570 MiB."""
MASKED: Final = "masked"
"""Argument of the process that checks: faults repeat no part of what is checked but names."""
_LONGEST_MESSAGE: Final = 300
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


class SchemaUnusableError(ValueError):
    """The schema itself is wrong; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """Where a value does not fit, such as ``$["data"]["values"][2]``, and why."""

    path: str
    message: str


def compiled(schema: JsonObject, *, mask: str | None = None) -> jsonschema_rs.Draft202012Validator:
    """Return the validator; raises SchemaUnusableError. ``mask`` stands for values in what it says of them."""
    size = len(json.dumps(schema).encode())
    if size > SCHEMA_LIMIT:
        raise SchemaUnusableError(f"The schema has {size:,} bytes, the most is {SCHEMA_LIMIT:,}.")
    draft = schema.get("$schema", _DRAFT)
    if str(draft).rstrip("#") != _DRAFT:
        raise SchemaUnusableError(f"$schema must be {_DRAFT} or be left out.")
    try:
        return jsonschema_rs.Draft202012Validator(
            schema,
            retriever=_refuse,
            pattern_options=jsonschema_rs.RegexOptions(),
            mask=mask,
        )
    except ValueError as error:
        message = getattr(error, "message", None) or str(error)
        path = _path(list(getattr(error, "instance_path", [])), root="schema")
        raise SchemaUnusableError(f"{path}: {_cut(message)}") from None


def faults(
    validator: jsonschema_rs.Draft202012Validator, value: JsonValue, *, every: bool = True
) -> tuple[SchemaFault, ...]:
    """Return where ``value`` does not fit, at most MAX_FAULTS; only the first unless ``every``."""
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        found = islice(validator.iter_errors(value), MAX_FAULTS) if every else (error,)
        return tuple(SchemaFault(_path(list(one.instance_path)), _cut(one.message)) for one in found)
    return ()


def _refuse(uri: str) -> Never:
    raise ValueError(f"{uri!r} is outside of the schema; put what it refers to into $defs")


def _path(parts: list[str | int], *, root: str = "$") -> str:
    return root + "".join(f"[{json.dumps(part, ensure_ascii=False)}]" for part in parts)


def _cut(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[: _LONGEST_MESSAGE - 1]}…"
