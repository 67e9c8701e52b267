"""The standard library's JSON scanner, used for stretches of a text.

One call of it keeps all other threads from running, the event loop's with them: a megabyte of small lists would hold it
for a tenth of a second, in whichever thread it is looked at.
"""

import json
import re
from typing import Final, Never

from serviceexecution.contract.json_types import JsonObject, JsonValue

PIECE: Final = 64 * 1024
"""Characters within which a list or an object must end to be read by one call: some milliseconds."""

_FEW: Final = 1024
"""Characters whose members are read one by one as fast."""
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_BETWEEN: Final = ("],", "},", ",")
_TOKENS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


class NotANumberError(ValueError):
    """NaN or Infinity was met: Python reads them, JSON has none."""


def _refuse_constant(name: str) -> Never:
    raise NotANumberError(name)


def _ignore_number(text: str) -> int:
    return len(text)


# Numbers become their length: int() refuses more than 4,300 digits and float() loses them
_SCANNER: Final = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_int=_ignore_number, parse_float=_ignore_number
)
_AS_USUAL: Final = json.JSONDecoder()


def load_in_pieces(data: bytes) -> JsonValue:
    """Return what json.loads returns, by calls that each take some milliseconds: for a thread beside the event loop.

    Raises ValueError, RecursionError.
    """
    text = data.decode("utf-8", "surrogatepass")
    value, end = PieceScanner(text, decoder=_AS_USUAL).value(skip_space(text, 0))
    end = skip_space(text, end)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def skip_space(text: str, start: int) -> int:
    """Return where the next character stands that is no space."""
    match = _SPACE.match(text, start)
    return match.end() if match else start


class PieceScanner:
    """Reads the values of one text. A list or an object is read by one call when it ends within a piece, and else
    member by member, by the same rules and with the same errors.
    """

    def __init__(self, text: str, *, piece: int = PIECE, decoder: json.JSONDecoder | None = None) -> None:
        """Without a decoder that says what numbers are, every number is some int."""
        self._text = text
        self._decoder = _SCANNER if decoder is None else decoder
        self._length = piece
        self._piece = text[:piece]
        self._base = 0
        """Where in the text the piece begins."""
        self._cut: frozenset[int] | None = None
        """Where lists and objects begin that do not end in the piece; None as long as nobody had to know."""
        self._many_from = 0
        """From where on it is tried again to read many members by one call."""

    def value(self, at: int) -> tuple[JsonValue, int]:
        """Return the value that begins at a place, and where it ends.

        Raises json.JSONDecodeError, NotANumberError, RecursionError.
        """
        around: list[tuple[list[JsonValue] | JsonObject, str]] = []
        while True:
            put = self._many(*around[-1], at) if around else None
            if put is not None:
                at = put
            elif (found := self._at_once(at)) is not None:
                value, at = found
            else:
                value, at, first = self._opened(at)
                if first is not None:
                    around.append((value, first))
                    continue
            while around:
                container, name = around[-1]
                if put is not None:
                    put = None
                elif isinstance(container, list):
                    container.append(value)
                else:
                    container[name] = value
                at, goes_on = self._behind(container, at)
                if goes_on:
                    if isinstance(container, dict):
                        name, at = self._name(at)
                        around[-1] = (container, name)
                    break
                value, _ = around.pop()
            else:
                return value, at

    def _behind(self, container: list[JsonValue] | JsonObject, at: int) -> tuple[int, bool]:
        """Return what follows a member that ends at a place: where the next begins and True, or the end and False."""
        at = skip_space(self._text, at)
        character = self._text[at : at + 1]
        if character == ",":
            return skip_space(self._text, at + 1), True
        if character != ("]" if isinstance(container, list) else "}"):
            raise json.JSONDecodeError("Expecting ',' delimiter", self._text, at)
        return at + 1, False

    def _many(self, container: list[JsonValue] | JsonObject, name: str, at: int) -> int | None:
        """Put the members from a value on by one call, as many as end in a piece, and return where the last ends.

        None when it is not known where that is. A comma behind a bracket mostly stands between members: when what is
        before it can be read, it does.
        """
        end = min(at + self._length, len(self._text))
        if at < self._many_from or end - at < _FEW:
            return None
        self._many_from = at + self._length // 4  # Where it fails each time it costs some times as much
        head, tail = ("[", "]") if isinstance(container, list) else ("{" + json.dumps(name) + ":", "}")
        for last in sorted(
            {self._text.rfind(mark, at, end) + len(mark) - 1 for mark in _BETWEEN}, reverse=True
        ):
            if last <= at:
                break
            piece = head + self._text[at:last] + tail
            try:
                members, read = self._decoder.raw_decode(piece)
            except json.JSONDecodeError:
                continue
            if read == len(piece) and members:
                self._many_from = end
                if isinstance(container, list):
                    container.extend(members)
                else:
                    container.update(members)
                return last
        return None

    def _opened(self, at: int) -> tuple[list[JsonValue] | JsonObject, int, str | None]:
        """Begin the list or object at a place: return it empty, where its first value begins, and that one's name.

        Without a value the name is None, and it ends there; a list's values have the name "".
        """
        is_list = self._text[at] == "["
        at = skip_space(self._text, at + 1)
        if self._text[at : at + 1] == ("]" if is_list else "}"):
            return ([] if is_list else {}), at + 1, None
        if is_list:
            return [], at, ""
        name, at = self._name(at)
        return {}, at, name

    def _name(self, at: int) -> tuple[str, int]:
        """Return the name at a place in an object, and where its value begins."""
        if self._text[at : at + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", self._text, at)
        name, at = self._scanned(self._text, at, 0)
        at = skip_space(self._text, at)
        if self._text[at : at + 1] != ":":
            raise json.JSONDecodeError("Expecting ':' delimiter", self._text, at)
        return str(name), skip_space(self._text, at + 1)

    def _at_once(self, at: int) -> tuple[JsonValue, int] | None:
        """Return the value at a place and where it ends; None when it does not end in the piece."""
        if not self._text.startswith(("[", "{"), at):
            return self._scanned(self._text, at, 0)  # However long it is, little is done for each character
        if not self._base <= at < self._base + len(self._piece):
            self._base, self._piece = at, self._text[at : at + self._length]
            self._cut = None
        if self._cut is not None and at in self._cut:
            return None
        try:
            return self._scanned(self._piece, at - self._base, self._base)
        except json.JSONDecodeError:
            if self._cut is None:
                self._cut = self._open_at_the_end(at)
            if at in self._cut:
                return None
            raise

    def _scanned(self, text: str, at: int, base: int) -> tuple[JsonValue, int]:
        """Return what one call finds at a place of a text that begins at ``base``, and where it ends."""
        try:
            value, end = self._decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise json.JSONDecodeError(error.msg, self._text, base + error.pos) from None
        return value, base + end

    def _open_at_the_end(self, at: int) -> frozenset[int]:
        """Return where lists and objects from a place on begin that do not end in the piece: token by token, which
        others' threads may interrupt.
        """
        begun: list[int] = []
        for token in _TOKENS.finditer(self._piece, at - self._base):
            if self._piece[token.start()] in "[{":
                begun.append(self._base + token.start())
            elif self._piece[token.start()] in "]}" and begun:
                begun.pop()
        return frozenset(begun)
