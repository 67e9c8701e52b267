"""Where a request comes from, for counting failures: one who guesses must not lock out all others."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from starlette.requests import Request

from serviceexecution.gateway.settings import Network

_FORWARDED: Final = "x-forwarded-for"
_PREFIX: Final = 64
"""Bits of an IPv6 address that say who somebody is: the rest is one's own choice."""


def address_of(request: Request, trusted: Sequence[Network]) -> str:
    """Return the origin's address, for IPv6 its network of 64 bits.

    ``X-Forwarded-For`` counts only as far as proxies of ``trusted`` networks have written it; whoever connects from
    elsewhere may have put in anything.
    """
    if request.client is None:
        return "address unknown"
    address = _parsed(request.client.host)
    for text in _from_the_right(request.headers.getlist(_FORWARDED)):
        if address is None or not any(address in network for network in trusted):
            break
        before = _parsed(text)
        if before is None:  # The proxy does not know; what stands left of it is anybody's word
            break
        address = before
    if address is None:
        return f"address {request.client.host}"
    if isinstance(address, IPv6Address):
        return f"address {IPv6Network((address, _PREFIX), strict=False)}"
    return f"address {address}"


def _from_the_right(headers: Sequence[str]) -> Iterable[str]:
    return reversed([part.strip() for header in headers for part in header.split(",")])


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    if text.count(":") == 1 and "." in text:  # Some proxies add the port
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
