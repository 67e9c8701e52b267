"""Through which proxy a host is reached, as the environment says. Pure but for the environment.

httpx reads the same variables, but knows no networks in NO_PROXY, and ends with a traceback for what it cannot use.
"""

import ipaddress
import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from serviceexecution.cli.errors import CommandError

_SCHEMES: Final = frozenset({"http", "https"})


def proxy_for(url: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the proxy's URL, None where there is none or NO_PROXY names the host. Raises CommandError."""
    parts = urlsplit(url)
    found = _variable(environment, f"{parts.scheme}_proxy") or _variable(environment, "all_proxy")
    if found is None:
        return None
    name, proxy = found
    without = _variable(environment, "no_proxy")
    if without is not None and _is_named(parts.hostname or "", without[1]):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        told = urlsplit(proxy)
        usable = told.scheme in _SCHEMES and bool(told.hostname) and (told.port or 1) > 0 and " " not in proxy
    except ValueError:
        usable = False
    if not usable:
        raise CommandError(
            f"The variable {name} names no HTTP proxy that sx can use: set it to http://HOST:PORT, or name "
            f"{parts.hostname} in NO_PROXY."
        )
    return proxy


def _variable(environment: Mapping[str, str], name: str) -> tuple[str, str] | None:
    """Return the name and value of a variable, which is written small or large; the small one counts first."""
    for spelled in (name, name.upper()):
        value = environment.get(spelled, "").strip()
        if value:
            return spelled, value
    return None


def _is_named(host: str, without: str) -> bool:
    return any(_matches(host, one.strip()) for one in without.replace(" ", ",").split(",") if one.strip())


def _matches(host: str, pattern: str) -> bool:
    if pattern == "*":
        return True
    bare = pattern.strip("[]")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(bare, strict=False)
    except ValueError:
        pass
    name = pattern.lower().partition(":")[0].lstrip("*").lstrip(".")
    return bool(name) and (host.lower() == name or host.lower().endswith(f".{name}"))
