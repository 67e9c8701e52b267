"""The proxies of a build: for the tools by their environment, for the steps by arguments that every build knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

PROXIES: Final = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"})
"""Such arguments leave no trace in an image, and are no part of the key of a cached step."""
_NO_PROXY: Final = "NO_PROXY"
_INSIDE: Final = ("localhost", "127.0.0.1", ".svc", ".cluster.local")


def proxy_variables(environment: Mapping[str, str], direct: Iterable[str]) -> dict[str, str]:
    """Return the proxies' variables, each in both cases, since programs differ; ``direct`` are hosts (host:port, or
    the beginning of an image's name) that are spoken to without a proxy."""
    found: dict[str, str] = {}
    for name, value in environment.items():
        if name.upper() in PROXIES and (name.isupper() or name.upper() not in found):
            found[name.upper()] = value
    if not found.keys() - {_NO_PROXY}:
        return {}
    listed = [one.strip() for one in found.get(_NO_PROXY, "").split(",")]
    hosts = [urlsplit(f"//{one.partition('/')[0]}").hostname or "" for one in direct]
    found[_NO_PROXY] = ",".join(one for one in dict.fromkeys([*listed, *_INSIDE, *hosts]) if one)
    return found | {name.lower(): value for name, value in found.items()}


def other_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are none of a proxy's."""
    return {name: value for name, value in environment.items() if name.upper() not in PROXIES}
