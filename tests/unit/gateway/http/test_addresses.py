"""Whom failures are counted against."""

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from serviceexecution.gateway.access.addresses import address_of

PROXIES = (ip_network("10.42.0.0/16"), ip_network("fd00::/8"))


def found(peer, *forwarded, trusted=PROXIES):
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    client = (peer, 1234) if peer else None
    return address_of(Request({"type": "http", "client": client, "headers": headers}), trusted)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.1", [], "198.51.100.1"),
        # who is no proxy may say what he likes
        ("198.51.100.1", ["203.0.113.5"], "198.51.100.1"),
        ("10.42.0.7", [], "10.42.0.7"),
        ("10.42.0.7", ["203.0.113.5"], "203.0.113.5"),
        # what stands left of the first stranger is the stranger's word
        ("10.42.0.7", ["1.1.1.1, 203.0.113.5"], "203.0.113.5"),
        ("10.42.0.7", ["1.1.1.1", "203.0.113.5, 10.42.1.1"], "203.0.113.5"),
        ("10.42.0.7", ["10.42.3.3"], "10.42.3.3"),
        ("10.42.0.7", ["nonsense"], "10.42.0.7"),
        ("10.42.0.7", ["1.1.1.1, unknown"], "10.42.0.7"),
        ("10.42.0.7", ["1.1.1.1, 203.0.113.5:4711"], "203.0.113.5"),
        ("10.42.0.7", [""], "10.42.0.7"),
        ("::ffff:10.42.0.7", ["203.0.113.5"], "203.0.113.5"),
        ("fd00::1", ["2001:db8:1:2:aaaa::1"], "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::1", [], "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("a-socket", [], "a-socket"),
        (None, [], "unknown"),
    ],
)
def test_where_a_request_comes_from(peer, forwarded, expected):
    assert found(peer, *forwarded) == f"address {expected}"


def test_no_proxy_is_trusted_unless_it_is_named():
    assert found("10.42.0.7", "203.0.113.5", trusted=()) == "address 10.42.0.7"
