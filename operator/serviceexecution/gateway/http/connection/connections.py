"""How many connections there are, and who makes room when there are too many. State owner of one server's connections.

A limit only for each address would lock out all who come by one proxy, and none would let one address take all. So
one limit counts all connections, and at the limit one that asks nothing at the moment makes room for a new one: the
newest of the address that has most. Where all are being answered, only health checks are let in.
"""

from collections import defaultdict
from enum import Enum
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final, Protocol

MOST_CONNECTIONS: Final = 2048
"""Twice the clients that one gateway is measured with. A connection costs up to 128 KiB while its head is read, and a
few KiB when it is idle."""
RESERVE: Final = 64
"""Further ones that may ask for health: a process that is busy is not ill."""
_PREFIX: Final = 64
"""Bits of an IPv6 address that say who somebody is."""


class Admission(Enum):
    """What a new connection may do."""

    ALL = "all"
    HEALTH = "health"
    NOTHING = "nothing"


class Connection(Protocol):
    """One connection."""

    @property
    def is_idle(self) -> bool:
        """Tell whether no request of it is being answered."""
        ...

    def make_room(self) -> None:
        """End at once."""
        ...


class Connections:
    """All connections of one server, by address."""

    def __init__(self, most: int = MOST_CONNECTIONS, reserve: int = RESERVE) -> None:
        self._most = most
        self._reserve = reserve
        self._by_address: defaultdict[str, dict[Connection, None]] = defaultdict(dict)
        self._addresses: dict[Connection, str] = {}

    def opened(self, connection: Connection, host: str) -> Admission:
        """Count a new connection from ``host`` and return what it may do; ``closed`` must be called at its end."""
        admission = self._admission()
        address = _address(host)
        self._by_address[address][connection] = None
        self._addresses[connection] = address
        return admission

    def closed(self, connection: Connection) -> None:
        """Count a connection no more."""
        address = self._addresses.pop(connection, None)
        if address is not None:
            del self._by_address[address][connection]
            if not self._by_address[address]:
                del self._by_address[address]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._addresses)

    def _admission(self) -> Admission:
        if len(self) < self._most:
            return Admission.ALL
        idle = self._newest_idle()
        if idle is not None:
            self.closed(idle)
            idle.make_room()
            return Admission.ALL
        return Admission.HEALTH if len(self) < self._most + self._reserve else Admission.NOTHING

    def _newest_idle(self) -> Connection | None:
        for _, found in sorted(self._by_address.items(), key=lambda item: len(item[1]), reverse=True):
            for connection in reversed(found):
                if connection.is_idle:
                    return connection
        return None


def _address(host: str) -> str:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or IPv6Network((address, _PREFIX), strict=False))
    return str(address)
