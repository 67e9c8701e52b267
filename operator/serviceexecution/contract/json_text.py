"""Strict JSON by its text: where values begin and end, so that they can be passed on byte for byte.

The standard library's scanner does the work, in pieces. It is stricter here than its default (no NaN, no Infinity) and
more generous (numbers of any length, which are only looked at, never computed).
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final

from serviceexecution.contract.json_pieces import NotANumberError, PieceScanner, skip_space
from serviceexecution.contract.json_types import JsonValue

MAX_DEPTH: Final = 500
"""Deepest nesting we pass on. Readers in Python, among them the platform's in-container libraries, give up
below 1,000."""

_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
_STEPS: Final = bytes.maketrans(b"[]", b"\x01\xff")
"""Brackets to signed steps of the depth."""
_LEVELS_TAKEN: Final = 8
"""What people send is seldom deeper."""
_NO_BRACKETS: Final = bytes(code for code in range(256) if code not in b"[{]}")
_STEPS_AT_ONCE: Final = 16 * 1024
_TOKENS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


class JsonTextError(ValueError):
    """The text is not JSON by RFC 8259. ``line`` and ``column`` count from 1."""

    def __init__(self, reason: str, text: str, position: int) -> None:
        self.reason = reason
        self.line = text.count("\n", 0, position) + 1
        self.column = position - (text.rfind("\n", 0, position) + 1) + 1
        super().__init__(f"{reason} at line {self.line}, column {self.column}")


def skim(text: str) -> JsonValue:
    """The one JSON value that ``text`` holds, with every number replaced by some int: for looking at shapes
    and strings.

    Raises ``JsonTextError``.
    """
    _check_depth(text)
    value, end = _value_at(PieceScanner(text), text, skip_space(text, 0))
    end = skip_space(text, end)
    if end != len(text):
        raise JsonTextError("Unexpected text after the value", text, end)
    return value


def has_half_a_pair(text: str) -> bool:
    """Tell whether a text holds half a surrogate pair, which JSON can escape and nothing else can write."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def is_object(text: str) -> bool:
    """Whether ``text`` is a valid JSON object and nothing else."""
    try:
        return isinstance(skim(text), dict)
    except JsonTextError:
        return False


def members(text: str) -> Iterator[tuple[str, str, int]]:
    """Name, exact text of the value, and position of the name, for each member of the JSON object ``text``.

    Duplicate names come as often as they stand there. Raises ``JsonTextError``, also when ``text`` is no
    object.
    """
    _check_depth(text)
    scanner = PieceScanner(text)
    at = skip_space(text, 0)
    if text[at : at + 1] != "{":
        raise JsonTextError("Expected an object, which starts with '{',", text, at)
    at = skip_space(text, at + 1)
    if text[at : at + 1] == "}":
        at += 1
    else:
        while True:
            if text[at : at + 1] != '"':
                raise JsonTextError("Expected a property name in double quotes", text, at)
            start_of_name = at
            name, at = _value_at(scanner, text, at)
            assert isinstance(name, str)  # noqa: S101 - a value that starts with a quote
            at = skip_space(text, at)
            if text[at : at + 1] != ":":
                raise JsonTextError("Expected ':' after a property name", text, at)
            start = skip_space(text, at + 1)
            _, end = _value_at(scanner, text, start)
            yield name, text[start:end], start_of_name
            at = skip_space(text, end)
            if text[at : at + 1] == "}":
                at += 1
                break
            if text[at : at + 1] != ",":
                raise JsonTextError("Expected ',' or '}' after a value", text, at)
            at = skip_space(text, at + 1)
    at = skip_space(text, at)
    if at != len(text):
        raise JsonTextError("Unexpected text after the object", text, at)


def member_texts(text: str) -> dict[str, str]:
    """Return name and exact text of the value of each member, as ``members`` gives them; raises JsonTextError."""
    return {name: value for name, value, _ in members(text)}


def joined(found: Mapping[str, str]) -> str:
    """Return the JSON object of these members, each value a JSON text."""
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in found.items()) + "}"


def _value_at(scanner: PieceScanner, text: str, start: int) -> tuple[JsonValue, int]:
    try:
        return scanner.value(start)
    except NotANumberError as error:
        raise JsonTextError(f"{error} is not a JSON number; it stands in the value", text, start) from None
    except json.JSONDecodeError as error:
        # Some of the scanner's messages end in "at", as do ours
        raise JsonTextError(error.msg.removesuffix(" at"), text, error.pos) from None
    except RecursionError:  # A deep caller leaves less room than MAX_DEPTH needs
        raise JsonTextError("Values nested too deeply", text, start) from None


def _depth(text: str) -> int:
    """Return the deepest nesting, by passes that are loops in C.

    300,000 brackets take a millisecond or two. When they nest deep they take some 20, in pieces between which other
    threads run.
    """
    data = text.encode("utf-8", "surrogatepass")
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside_of_strings = b"".join(data.split(b'"')[::2])
    brackets = outside_of_strings.translate(_ONE_KIND, _NO_BRACKETS)
    taken = 0
    while taken < _LEVELS_TAKEN and len(inner := brackets.replace(b"[]", b"")) < len(brackets):
        brackets, taken = inner, taken + 1
    steps = memoryview(brackets.translate(_STEPS)).cast("b")
    depth, deepest = 0, [0]
    for start in range(0, len(steps), _STEPS_AT_ONCE):
        depths = list(accumulate(steps[start : start + _STEPS_AT_ONCE], initial=depth))
        deepest.append(max(depths))
        depth = depths[-1]
    return taken + max(deepest)


def _check_depth(text: str) -> None:
    if text.count("{") + text.count("[") <= MAX_DEPTH or _depth(text) <= MAX_DEPTH:
        return
    depth = 0  # Finding the place is slow, and only a refusal names it
    for token in _TOKENS.finditer(text):
        match token.group()[0]:
            case "{" | "[":
                depth += 1
                if depth > MAX_DEPTH:
                    raise JsonTextError(f"Values nested deeper than {MAX_DEPTH} levels", text, token.start())
            case "}" | "]":
                depth -= 1
            case _:
                pass
