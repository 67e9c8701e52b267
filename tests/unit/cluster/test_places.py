"""Where the nodes of an embedded cluster are, and what further ones run."""

import ipaddress
import json
from pathlib import Path

import pytest
import yaml

from cluster.errors import LauncherError
from cluster.node.components import components, worker_components
from cluster.node.configuration import render_worker
from cluster.node.further import wanted_places
from cluster.node.network import Link, further_node_setup
from cluster.node.places import first_place, further_place, further_places
from cluster.settings import MAXIMUM_NODES, POD_NETWORK, Instance

LINK = Link(host="10.213.0.1", node="10.213.0.2")
INSTANCE = Instance("test", Path("/var/lib/serviceexecution/test"))
FIRST = first_place(INSTANCE, LINK)
PLACES = [FIRST, *(further_place(INSTANCE, number) for number in range(2, MAXIMUM_NODES + 1))]


def test_nodes_share_neither_addresses_nor_files_nor_control_groups() -> None:
    pods = [ipaddress.IPv4Network(place.pods) for place in PLACES]
    assert all(network.subnet_of(ipaddress.IPv4Network(POD_NETWORK)) for network in pods)
    assert not any(one.overlaps(other) for one in pods for other in pods if one is not other)
    links = {ipaddress.IPv4Interface(place.interface_address).network for place in PLACES}
    assert len(links) == len(PLACES)
    assert all(place.router != place.address for place in PLACES)
    for attribute in ("name", "directory", "containerd_socket", "init_file", "cgroup"):
        assert len({getattr(place, attribute) for place in PLACES}) == len(PLACES)


def test_everything_of_a_further_node_lies_in_what_its_instance_removes() -> None:
    for place in PLACES[1:]:
        assert place.directory.is_relative_to(INSTANCE.state)
        assert place.cgroup.startswith(f"{INSTANCE.cgroup}/")


def test_a_further_node_runs_no_control_plane() -> None:
    place = PLACES[1]
    found = {
        one.name: one for one in worker_components(place, binaries=Path("/b"), api_address=FIRST.address)
    }
    assert set(found) == {"containerd", "kubelet", "kube-proxy"}
    kubelet = found["kubelet"]
    assert "--hostname-override=node2" in kubelet.argv
    assert kubelet.after == (f"https:{FIRST.address}:6443/readyz", f"unix:{place.containerd_socket}")


def test_a_further_node_asks_the_first_for_names_and_sends_everything_through_it() -> None:
    place = PLACES[1]
    files = render_worker(INSTANCE.state, place, dns=FIRST.address, pause_image="p:1")
    kubelet = yaml.safe_load(files["kubelet.yaml"])
    assert kubelet["clusterDNS"] == [FIRST.address]
    assert kubelet["authentication"]["x509"]["clientCAFile"] == str(INSTANCE.state / "pki/ca.crt")
    assert kubelet["tlsCertFile"] == str(place.directory / "pki/kubelet-server.crt")
    assert "nodeLeaseDurationSeconds" not in kubelet
    network = json.loads(files["cni/10-pods.conflist"])
    assert network["plugins"][0]["ipam"]["ranges"] == [[{"subnet": place.pods}]]
    assert ["ip", "route", "add", "default", "via", place.router] in further_node_setup(
        place.interface_address, place.router
    )


def test_a_shorter_silence_comes_with_more_signs_of_life() -> None:
    argv = {
        one.name: one.argv
        for one in components(INSTANCE.state, FIRST, binaries=Path("/b"), python="py", silence=16)
    }
    assert "--node-monitor-grace-period=16s" in argv["kube-controller-manager"]
    assert "--default-unreachable-toleration-seconds=16" in argv["kube-apiserver"]
    assert "--default-not-ready-toleration-seconds=16" in argv["kube-apiserver"]
    files = render_worker(INSTANCE.state, FIRST, dns=FIRST.address, pause_image="p:1", silence=16)
    # A lease of 8 seconds is renewed every 2.
    assert yaml.safe_load(files["kubelet.yaml"])["nodeLeaseDurationSeconds"] == 8


def test_a_cluster_grows_keeps_its_nodes_and_never_shrinks(tmp_path: Path) -> None:
    ours = Instance("test", tmp_path)
    assert wanted_places(ours, None) == wanted_places(ours, 1) == further_places(ours) == []
    for place in wanted_places(ours, 3):
        place.directory.mkdir(parents=True)
    names = ["node2", "node3"]
    assert [place.name for place in wanted_places(ours, None)] == names
    assert [place.name for place in wanted_places(ours, 3)] == names
    assert [place.name for place in wanted_places(ours, 4)] == [*names, "node4"]
    with pytest.raises(LauncherError, match=r"has 3 nodes, .* run `make down` first"):
        wanted_places(ours, 2)
