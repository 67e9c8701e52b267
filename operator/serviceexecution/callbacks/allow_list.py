"""Which URLs a callback may go to. Pure.

An entry is a URL: scheme and port must be the same, the host the same or below ``*.``, the path must begin with the
entry's at a ``/``. ``{namespace}`` in a host stands for the execution's own namespace. What parsers read in different
ways (user information, backslashes, dot segments, control characters) is refused: that is how such lists are got round.
Receivers decode a path once, twice or more often, some cut a segment at a semicolon: so what counts is every reading.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit

_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_ODD: Final = re.compile(r"[^\x21-\x7e]|\\")
_BROKEN: Final = re.compile("%(?![0-9A-Fa-f]{2})")
_HIDDEN: Final = re.compile(r"%(?:2[ef]|5c)", re.IGNORECASE)
"""An encoded dot, slash or backslash: nobody needs to encode the first, and the others are read in two ways."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_MOST_READINGS: Final = 8
_NAMESPACE: Final = "{namespace}"


class RefusedUrlError(ValueError):
    """The URL is not allowed; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that is allowed. ``exact``: an entry names its host, so that it may be in the cluster."""

    url: str
    host: str
    exact: bool


@dataclass(frozen=True, slots=True)
class _Parts:
    scheme: str
    host: str
    port: int
    path: str


def allowed_target(url: str, namespace: str, entries: Sequence[str]) -> Target:
    """Return the target of ``url``; raises RefusedUrlError."""
    parts = _parse(url)
    found = [entry for entry in entries if _covers(entry.replace(_NAMESPACE, namespace), parts)]
    if not found:
        raise RefusedUrlError(
            "The callback's URL is none of those that the operator allows (the chart's value callbacks.allowedUrls)."
        )
    exact = any("*" not in entry for entry in found)
    return Target(url, parts.host.strip("[]"), exact)


def _covers(entry: str, parts: _Parts) -> bool:
    wild = "://*." in entry
    try:
        allowed = _parse(entry.replace("://*.", "://", 1))
    except RefusedUrlError:
        return False
    if (allowed.scheme, allowed.port) != (parts.scheme, parts.port):
        return False
    host = parts.host.endswith(f".{allowed.host}") if wild else parts.host == allowed.host
    prefix = allowed.path.rstrip("/")
    return host and (parts.path == prefix or parts.path.startswith(f"{prefix}/"))


def _parse(url: str) -> _Parts:
    if _ODD.search(url):
        raise RefusedUrlError("The callback's URL holds characters that no URL has; percent-encode them.")
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        raise RefusedUrlError("The callback's URL cannot be read.") from None
    host = (split.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    if split.scheme not in _PORTS or not _HOST.fullmatch(host):
        raise RefusedUrlError("The callback's URL must be http://host/… or https://host/….")
    if "@" in split.netloc or split.fragment:
        raise RefusedUrlError("The callback's URL must hold no user name, password or fragment.")
    _check_path(split.path)
    return _Parts(split.scheme, host, port or _PORTS[split.scheme], split.path or "/")


def _check_path(path: str) -> None:
    """Raise RefusedUrlError when the path, decoded however often, may lead out of where it seems to."""
    if _BROKEN.search(path):
        raise RefusedUrlError("The callback's URL holds a % that encodes nothing; write %25.")
    for _ in range(_MOST_READINGS):
        if _HIDDEN.search(path):
            raise RefusedUrlError("The callback's URL must hold no encoded dot, slash or backslash.")
        # One character may stand for several: a two dot leader is two dots to those who normalise
        for reading in (path, unicodedata.normalize("NFKC", path)):
            if any(_is_dots(part) for part in reading.split("/")) or "\\" in reading:
                raise RefusedUrlError("The callback's URL must hold no dot segments.")
        try:
            decoded = unquote_to_bytes(path).decode()
        except UnicodeDecodeError:
            raise RefusedUrlError("The callback's URL must hold nothing encoded but UTF-8.") from None
        if _CONTROL.search(decoded):
            raise RefusedUrlError("The callback's URL must hold no control characters.")
        if decoded == path:
            return
        path = decoded
    raise RefusedUrlError("The callback's URL is encoded too many times.")


def _is_dots(segment: str) -> bool:
    """Tell whether somebody may read the segment as "." or "..": without what follows a semicolon, without spaces."""
    name = segment.partition(";")[0].strip()
    return bool(name) and not name.strip(".")
