"""The link's addresses never overlap with a network that the host has."""

import ipaddress

import pytest

from cluster.errors import LauncherError
from cluster.node.network import LINK_NETWORKS, choose_link


def network_of(address: str) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(f"{address}/30", strict=False)


def test_an_instance_gets_the_same_addresses_again() -> None:
    assert choose_link("embedded", []) == choose_link("embedded", [])
    assert choose_link("embedded", []) != choose_link("other", [])


def test_both_ends_are_hosts_of_one_network() -> None:
    link = choose_link("embedded", [])
    assert network_of(link.host) == network_of(link.node)
    assert ipaddress.IPv4Address(link.host) + 1 == ipaddress.IPv4Address(link.node)


@pytest.mark.parametrize("prefix", [32, 30, 24, 17])
def test_a_taken_network_of_any_size_is_avoided(prefix: int) -> None:
    first = choose_link("embedded", [])
    taken = ipaddress.IPv4Network(f"{first.node}/{prefix}", strict=False)
    assert not network_of(choose_link("embedded", [taken]).node).overlaps(taken)


def test_no_network_left_is_said() -> None:
    with pytest.raises(LauncherError, match=r"every network in 10\.213\.0\.0/16 is already used"):
        choose_link("embedded", [LINK_NETWORKS])
