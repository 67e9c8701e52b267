"""Texts read in pieces give what one call of the standard library's scanner gives, errors included."""

import json
import random
from collections.abc import Callable
from functools import partial

import pytest

from serviceexecution.contract import json_pieces
from serviceexecution.contract.json_pieces import NotANumberError, PieceScanner, load_in_pieces

SCALARS = (
    "1",
    "-1.5e3",
    '""',
    '"a\\"b"',
    '"[{,"',
    '"é\\\\"',
    "true",
    "null",
    "NaN",
    "[]",
    "{}",
    '"' + "y" * 19 + '"',
)


def made(random_: random.Random, depth: int) -> str:
    """Return a JSON text with spaces here and there."""

    def space() -> str:
        return random_.choice(["", "", " ", "\n"])

    kind = random_.random()
    if depth <= 0 or kind < 0.35:
        return random_.choice(SCALARS)
    inner = [made(random_, depth - 1) for _ in range(random_.randrange(4))]
    if kind < 0.7:
        return f"[{space()}{f'{space()},{space()}'.join(inner)}{space()}]"
    members = [f'"k{random_.randrange(3)}"{space()}:{space()}{one}' for one in inner]
    return f"{{{space()}{f'{space()},{space()}'.join(members)}{space()}}}"


def broken(random_: random.Random, text: str) -> str:
    """Return the text with a character too many, or one too few."""
    place = random_.randrange(len(text) + 1)
    if random_.random() < 0.5:
        return text[:place] + text[place + 1 :]
    return text[:place] + random_.choice('[]{}",:1 a\\') + text[place:]


def outcome(read: Callable[[], tuple[object, int]]) -> tuple[object, ...]:
    """Return what comes out, or what is raised and where."""
    try:
        return tuple(map(repr, read()))
    except json.JSONDecodeError as error:
        return error.msg, error.pos
    except NotANumberError as error:
        return (str(error),)


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 8, 13, 40])
def test_what_is_read_in_pieces_is_what_one_call_reads(piece: int) -> None:
    random_ = random.Random(piece)  # noqa: S311 - no secret
    for _ in range(500):
        text = made(random_, 6)
        if random_.random() < 0.6:
            text = broken(random_, text)
        at_once = outcome(partial(json_pieces._SCANNER.raw_decode, text))
        assert outcome(partial(PieceScanner(text, piece=piece).value, 0)) == at_once, text


@pytest.mark.parametrize("piece", [1, 3, 8, 40])
def test_numbers_keep_their_values_where_they_are_wanted(piece: int) -> None:
    random_ = random.Random(piece)  # noqa: S311 - no secret
    usual = json.JSONDecoder()
    for _ in range(500):
        text = made(random_, 6)
        if random_.random() < 0.6:
            text = broken(random_, text)
        at_once = outcome(partial(usual.raw_decode, text))
        assert outcome(partial(PieceScanner(text, piece=piece, decoder=usual).value, 0)) == at_once, text


LARGE = json.dumps({"a": [-1.5e3, 12345678901234567890, "ü", None, {"b": [[]]}] * 9000}, indent=1).encode()


def test_a_large_text_is_loaded_as_the_standard_library_loads_it() -> None:
    assert load_in_pieces(b"\n" + LARGE + b" \n") == json.loads(LARGE)


@pytest.mark.parametrize("text", [LARGE + b"x", LARGE[:-1], b"", b"\xff" + LARGE])
def test_what_the_standard_library_refuses_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".") as one:
        json.loads(text)
    with pytest.raises(ValueError, match=r".") as other:
        load_in_pieces(text)
    assert str(one.value) == str(other.value)
