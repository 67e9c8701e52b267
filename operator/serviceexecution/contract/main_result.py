"""The main result as text, as programs of all kinds write it, and what is wrong with one that is no JSON. Pure."""

import codecs
from typing import Final

from serviceexecution.contract.json_text import JsonTextError, skim
from serviceexecution.contract.paths import MAIN_RESULT_FILE

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def main_result_text(data: bytes) -> str | None:
    """Return the text without its byte order mark, None when it is neither UTF-8 nor marked as UTF-16.

    .NET and PowerShell write such marks; JSON has none.
    """
    try:
        is_utf_16 = data.startswith(_UTF_16) and len(data) > len(codecs.BOM_UTF16)
        return data.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        return None


def main_result_fault(text: str | None) -> str | None:
    """Return in a sentence why a main result, which is kept as it is, has no members; None when it is JSON."""
    if text is None:
        return f"{MAIN_RESULT_FILE} is kept as it is, but is not UTF-8 and therefore no JSON."
    if not text.strip():
        return f"{MAIN_RESULT_FILE} is kept as it is, but is empty and therefore no JSON."
    try:
        skim(text)
    except JsonTextError as error:
        return f"{MAIN_RESULT_FILE} is kept as it is, but is no JSON: {error}."
    return None
