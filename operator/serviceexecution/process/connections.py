"""Whether something takes connections at an address."""

import asyncio
from typing import Final
from urllib.parse import urlsplit

CONNECT_SECONDS: Final = 2.0
_PORTS: Final = {"http": 80, "https": 443}


async def takes_connections(url: str) -> bool:
    """Tell whether the gateway's Service has a gateway behind it that is ready."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or _PORTS.get(parts.scheme, 80)
            )
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
