"""The rendered configuration of the node's components."""

import json
from pathlib import Path

import yaml

from cluster.node.components import components
from cluster.node.configuration import render
from cluster.node.network import Link
from cluster.node.places import first_place
from cluster.settings import Instance

STATE = Path("/var/lib/serviceexecution/embedded")
INSTANCE = Instance("embedded", STATE)
PLACE = first_place(INSTANCE, Link(host="10.213.0.1", node="10.213.0.2"))
FILES = render(STATE, PLACE, pause_image="localhost/p:1")


def test_pods_live_below_the_instances_own_control_group() -> None:
    kubelet = yaml.safe_load(FILES["kubelet.yaml"])
    assert kubelet["cgroupRoot"] == "/serviceexecution-embedded"
    assert kubelet["clusterDNS"] == ["10.213.0.2"]
    assert kubelet["authentication"]["anonymous"] == {"enabled": False}


def test_the_nodes_disk_never_evicts_pods_or_images() -> None:
    kubelet = yaml.safe_load(FILES["kubelet.yaml"])
    assert kubelet["evictionHard"]["nodefs.available"] == "0%"
    assert kubelet["imageGCHighThresholdPercent"] == 100


def test_the_audit_log_holds_everything_that_service_accounts_of_others_do() -> None:
    rules = yaml.safe_load(FILES["audit-policy.yaml"])["rules"]
    assert rules[-1] == {"level": "Metadata"}
    for rule in rules[:-1]:
        assert rule["level"] == "None"
        assert "users" in rule or "userGroups" in rule
        assert "system:serviceaccounts" not in rule.get("userGroups", [])


def test_containerd_uses_what_was_given() -> None:
    text = FILES["containerd.toml"]
    assert 'sandbox_image = "localhost/p:1"' in text
    assert f'address = "{STATE}/containerd.sock"' in text
    assert "restrict_oom_score_adj = true" in text


def test_pods_are_routed_and_their_addresses_end_with_the_namespace() -> None:
    network = json.loads(FILES["cni/10-pods.conflist"])
    link = network["plugins"][0]
    assert link["type"] == "ptp"
    assert link["ipam"]["dataDir"].startswith("/run/")


def test_node_ports_answer_on_localhost_for_the_registry() -> None:
    proxy = yaml.safe_load(FILES["proxy.yaml"])
    assert proxy["nodePortAddresses"] == ["10.213.0.2/32", "127.0.0.0/8"]


def test_dns_answers_on_the_nodes_address_alone() -> None:
    assert "bind 10.213.0.2" in FILES["Corefile"]
    assert "forward" not in FILES["Corefile"]


def test_every_component_waits_for_what_it_needs() -> None:
    found = {c.name: c for c in components(STATE, PLACE, binaries=Path("/b"), python="py")}
    assert found["etcd"].after == ()
    assert found["kube-apiserver"].after == ("tcp:127.0.0.1:2379",)
    ready = "https:10.213.0.2:6443/readyz"
    assert found["kubelet"].after == (ready, f"unix:{STATE}/containerd.sock")
    assert all(
        ready in found[name].after for name in ("kube-scheduler", "kube-proxy", "coredns", "provisioner")
    )
    assert "--allow-privileged=true" in found["kube-apiserver"].argv
    assert f"--audit-log-path={STATE}/log/audit.log" in found["kube-apiserver"].argv
