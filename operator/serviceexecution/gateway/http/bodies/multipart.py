"""One uploaded file, taken out of a multipart body as it comes."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serviceexecution.gateway.http.problems import Problem

if TYPE_CHECKING:  # A type that the module has only for type checkers
    from python_multipart.multipart import MultipartCallbacks

OVERHEAD_BYTES: Final = 64 * 1024
"""What stands around the file in a body may have so much: heads of parts, boundaries."""
_FIELD: Final = "file"
_MOST_HEADERS: Final = 32
_HEADER_BYTES: Final = 8 * 1024
_LONGEST_TYPE: Final = 255
_ENCODED: Final = re.compile("%(22|[01][0-9A-F])")
"""Quotes and control characters, which are percent-encoded in a name, and nothing else is."""


@dataclass(slots=True)
class _Taken:
    """What the parser has found since it was last asked."""

    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    headers: dict[str, str] = field(default_factory=dict)
    data: list[bytes] = field(default_factory=list)
    parts: int = 0
    headers_done: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """The file: what its part says of it, and its bytes."""

    name: str | None
    """As the part says it; None when it says none."""
    content_type: str | None
    chunks: AsyncIterator[bytes]
    """Raises Problem 400 when the body is no single file after all, and what the body itself raises."""


async def uploaded_file(body: AsyncIterator[bytes], content_type: str | None) -> UploadedFile:
    """Return the file of the part ``file``, once its head has come; raises Problem 400.

    ``content_type`` is the request's header. The body is never held as a whole.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind.lower() != b"multipart/form-data" or not boundary:
        raise _malformed("Send the file as multipart/form-data, in one part with the name file.")
    taken = _Taken()
    try:
        parser = MultipartParser(
            boundary, _callbacks(taken), max_header_count=_MOST_HEADERS, max_header_size=_HEADER_BYTES
        )
    except FormParserError as error:
        raise _malformed(f"The body is not multipart/form-data: {error}.") from None
    pieces = _parsed(body, parser, taken)
    while not taken.headers_done:
        if await anext(pieces, None) is None:
            raise _malformed("There is no file in the body: send it in a part with the name file.")
    disposition = _disposition(taken.headers.get("content-disposition", ""))
    if disposition.get("name") != _FIELD:
        raise _malformed("The file must be in a part with the name file.")
    return UploadedFile(
        disposition.get("filename"),
        _media_type(taken.headers.get("content-type")),
        _content(pieces, taken),
    )


async def _parsed(
    body: AsyncIterator[bytes], parser: MultipartParser, taken: _Taken
) -> AsyncGenerator[bool, None]:
    """Parse piece after piece; raises Problem 400 when the body is cut or holds more than one part."""
    async for chunk in body:
        try:
            parser.write(chunk)
        except FormParserError as error:
            raise _malformed(f"The body is not multipart/form-data: {error}.") from None
        if taken.parts > 1:
            raise _malformed("The body has several parts: send one file at a time.")
        yield True
    if not taken.ended:
        raise _malformed("The body ends before the file does.")


async def _content(pieces: AsyncGenerator[bool, None], taken: _Taken) -> AsyncIterator[bytes]:
    while True:
        for data in taken.data:
            yield data
        taken.data.clear()
        if await anext(pieces, None) is None:
            return


def _callbacks(taken: _Taken) -> "MultipartCallbacks":
    def part_begins() -> None:
        taken.parts += 1

    def header_ends() -> None:
        if taken.parts == 1:
            name = taken.header.decode("latin-1").strip().lower()
            taken.headers.setdefault(name, taken.value.decode("utf-8", "replace").strip())
        taken.header.clear()
        taken.value.clear()

    def headers_end() -> None:
        taken.headers_done = True

    def data(chunk: bytes, start: int, end: int) -> None:
        if taken.parts == 1:
            taken.data.append(chunk[start:end])

    def ends() -> None:
        taken.ended = True

    return {
        "on_part_begin": part_begins,
        "on_header_field": lambda chunk, start, end: taken.header.extend(chunk[start:end]),
        "on_header_value": lambda chunk, start, end: taken.value.extend(chunk[start:end]),
        "on_header_end": header_ends,
        "on_headers_finished": headers_end,
        "on_part_data": data,
        "on_end": ends,
    }


def _disposition(header: str) -> dict[str, str]:
    """Return the parameters of a Content-Disposition as browsers and httpx write them.

    Quotes and control characters are percent-encoded there, and a backslash stands before a backslash or a quote.
    """
    found: dict[str, str] = {}
    kind, _, rest = header.partition(";")
    if kind.strip().lower() != "form-data":
        return found
    while rest:
        name, equals, rest = rest.partition("=")
        if not equals:
            break
        rest = rest.lstrip()
        if rest.startswith('"'):
            value, rest = _quoted(rest[1:])
        else:
            value, _, rest = rest.partition(";")
            rest = f";{rest}"
        found.setdefault(name.strip().lower(), value)
        rest = rest.partition(";")[2]
    return {
        name: _ENCODED.sub(lambda escape: chr(int(escape[1], 16)), value) for name, value in found.items()
    }


def _quoted(text: str) -> tuple[str, str]:
    """Return what stands up to the closing quote, and what follows."""
    value: list[str] = []
    place = 0
    while place < len(text):
        letter = text[place]
        if letter == '"':
            return "".join(value), text[place + 1 :]
        if letter == "\\" and text[place + 1 : place + 2] in {"\\", '"'}:
            place += 1
            letter = text[place]
        value.append(letter)
        place += 1
    return "".join(value), ""


def _media_type(header: str | None) -> str | None:
    """Return a media type that can be a header again, None when there is no such."""
    if header is None or len(header) > _LONGEST_TYPE or not header.isascii() or not header.isprintable():
        return None
    kind, slash, rest = header.partition("/")
    return header if slash and kind and rest else None


def _malformed(sentence: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "InvalidUpload", sentence)
