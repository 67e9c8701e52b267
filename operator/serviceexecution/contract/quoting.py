"""Names of users in messages."""

import json
from typing import Final

_LONGEST: Final = 60


def quoted(name: str) -> str:
    """``name`` as a JSON string of bounded length: control characters escaped, so that it cannot break a log
    or terminal."""
    shown = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"
    # DEL and the C1 controls are what JSON leaves unescaped; lone surrogates cannot be encoded later on
    return "".join(
        f"\\u{ord(c):04x}" if "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" else c
        for c in json.dumps(shown, ensure_ascii=False)
    )
