"""Looks hosts up and refuses addresses that a callback must not reach, at the moment of connecting.

The address that was checked is the one that is connected to, so that a name that changes its answer between two
questions (DNS rebinding) gains nothing.
"""

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

AddressRule = Callable[[str, bool], bool]
"""From an address and whether its host was named exactly, to whether it may be connected to."""

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
"""All IPv6 addresses of the Internet; Python also calls others global."""
_SHARED: Final = ipaddress.ip_network("100.64.0.0/10")
"""Neither private nor global; some clusters take their pods' and services' addresses from it."""
_CLOUD: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)
"""Where clouds answer their machines, apart from the link-local ones: metadata, credentials, configuration."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


_LIKE_AN_ADDRESS: Final = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$")
"""What systems take for an address, such as 127.1 or 0x7f000001; resolvers are not asked about these."""


class RefusedAddressError(OSError):
    """A host's address is one that callbacks must not reach."""


def may_connect(address: str, exact: bool) -> bool:
    """Tell whether a callback may go to ``address``; to private ones only when an entry names the host."""
    found = _real(ipaddress.ip_address(address.partition("%")[0]))
    if (
        found.is_loopback
        or found.is_link_local
        or found.is_multicast
        or found.is_unspecified
        or found in _CLOUD
    ):
        return False
    if isinstance(found, ipaddress.IPv6Address):
        public, inside = found.is_global and found in _GLOBAL_UNICAST, found.is_private
    else:
        public, inside = found.is_global, found.is_private or found in _SHARED
    return public or (exact and inside and not found.is_reserved)


def _real(address: _Address) -> _Address:
    """Return the IPv4 address that stands in an IPv6 one and that translators send to."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


class CheckedResolver(AbstractResolver):
    """Resolves names for one request and gives only addresses that may be connected to."""

    def __init__(self, rule: AddressRule, *, exact: bool, inner: AbstractResolver) -> None:
        self._rule = rule
        self._exact = exact
        self._inner = inner

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses; raises RefusedAddressError when one of them is not allowed."""
        found = await self._inner.resolve(host, port, family)
        for one in found:
            if not self._rule(one["host"], self._exact):
                raise RefusedAddressError(f"{host} has an address that callbacks must not reach")
        return found

    @override
    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()


def check_literal(host: str, rule: AddressRule, *, exact: bool) -> None:
    """Raise RefusedAddressError for an address in place of a name, which no resolver is asked about."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if _LIKE_AN_ADDRESS.search(host):
            raise RefusedAddressError(f"{host} is an address that callbacks must not reach") from None
        return
    if not rule(host, exact):
        raise RefusedAddressError(f"{host} is an address that callbacks must not reach")
