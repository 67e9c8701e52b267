"""The URL by which a client has called us, as far as it can be believed. Pure."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from starlette.requests import Request

from serviceexecution.gateway.http.problems import Problem

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOST: Final = re.compile(
    rf"(?=.{{1,261}}\Z)(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]{{2,45}}\])(?::[0-9]{{1,5}})?"
)
_PREFIX: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]{1,128}){0,8}/?")


def is_host(text: str) -> bool:
    """Tell whether a text is a host with or without a port, as the header Host has it."""
    return _HOST.fullmatch(text) is not None


def called_url(request: Request, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """Return scheme and host that the client has called, and what a proxy has cut off the path; no slash at its end.

    ``X-Forwarded-Proto``, ``-Host`` and ``-Prefix`` count when a proxy of ``trusted`` networks has sent the request; of
    several values the last one, which that proxy has written. Raises Problem 400.
    """
    scheme, host, prefix = request.url.scheme, request.headers.get("host", ""), ""
    if _is_from(request, trusted):
        scheme = _last(request, "x-forwarded-proto").lower() or scheme
        host = _last(request, "x-forwarded-host") or host
        prefix = _last(request, "x-forwarded-prefix").rstrip("/")
    if scheme not in {"http", "https"} or not is_host(host) or not _PREFIX.fullmatch(prefix):
        raise Problem(
            HTTPStatus.BAD_REQUEST, "InvalidHost", "The header Host is missing, or it names no host."
        )
    return f"{scheme}://{host}{prefix}"


def _is_from(request: Request, trusted: Sequence[IPv4Network | IPv6Network]) -> bool:
    if request.client is None or not trusted:
        return False
    try:
        address = ip_address(request.client.host.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return any((mapped or address) in network for network in trusted)


def _last(request: Request, name: str) -> str:
    values = request.headers.getlist(name)
    return values[-1].rpartition(",")[2].strip() if values else ""
