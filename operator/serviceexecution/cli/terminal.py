"""Text of others on a terminal: programs, build tools and tenants write it, and none of it may steer the screen.

A terminal obeys control characters: they move the cursor over what was said before, set clipboard and title, and answer
as if the person had typed. Bidirectional overrides and tag characters show another text than there is. All of them are
shown by their escapes, as in Python. Colours alone are taken out, since many programs write them. Pure.
"""

import json
import re
from typing import Final

from serviceexecution.contract.json_types import JsonValue

_COLOURS: Final = re.compile(r"\x1b\[[0-9;:]*m")
_DIRECTIONS: Final = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_UNSEEN: Final = "\ufff9-\ufffb\U000e0000-\U000e007f"
_UNPRINTABLE: Final = "\ud800-\udfff"
"""Half characters, which JSON can name and no encoding holds."""
_IN_LINE: Final = re.compile(f"[\x00-\x1f\x7f-\x9f{_DIRECTIONS}{_UNSEEN}{_UNPRINTABLE}]")
_IN_TEXT: Final = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_DIRECTIONS}{_UNSEEN}{_UNPRINTABLE}]")


def visible(text: str) -> str:
    """Return text of several lines as it can be shown; line feeds and tabs stay."""
    return _IN_TEXT.sub(_escaped, _COLOURS.sub("", text).replace("\r\n", "\n").removesuffix("\r"))


def visible_line(text: str) -> str:
    """Return text as one line: a cell of a table, a name, a message."""
    return _IN_LINE.sub(_escaped, _COLOURS.sub("", text))


def plain(text: str) -> str:
    """Return text of several lines without any such character: for readers to whom escapes say nothing."""
    return _IN_TEXT.sub("", _COLOURS.sub("", text).replace("\r\n", "\n"))


def visible_json(value: JsonValue, *, indent: int | None = 2) -> str:
    """Return a value as JSON text of the same value that holds no such character."""
    return _IN_TEXT.sub(_json_escaped, json.dumps(value, indent=indent, ensure_ascii=False))


def visible_yaml(value: JsonValue) -> str:
    """Return a value as YAML text of the same value that holds no such character."""
    import yaml

    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=100)
    if _IN_TEXT.search(text):
        text = yaml.safe_dump(value, sort_keys=False, width=100)
    return text.rstrip("\n")


def _escaped(found: re.Match[str]) -> str:
    match found[0]:
        case "\t":
            return r"\t"
        case "\n":
            return r"\n"
        case "\r":
            return r"\r"
    code = ord(found[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0]).strip('"') if ord(found[0]) > 0x7F else f"\\u{ord(found[0]):04x}"
