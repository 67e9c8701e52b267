"""The proxy that the environment names for an address."""

from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def environment_proxy(address: str) -> str | None:
    """Return what ``HTTPS_PROXY`` or ``HTTP_PROXY`` says for that URL, unless ``NO_PROXY`` names its host.

    Names of variables may be in lower case, which wins. ``NO_PROXY`` lists domains, addresses and networks
    (``10.96.0.0/12``), as Go's programs read it; ``*`` is every host.
    """
    parts = urlsplit(address)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme)
    host = parts.hostname or ""
    if not proxy or proxy_bypass(host) or _in_a_network(host, proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _in_a_network(host: str, excepted: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(_holds(entry.strip(), address) for entry in excepted.split(",") if "/" in entry)


def _holds(entry: str, address: object) -> bool:
    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return False
