"""What the embedded cluster gives to builds, and when its node must be started anew."""

import json
from pathlib import Path

import pytest

from cluster.images.build import image_hash, proxy_settings
from cluster.images.catalogue import BUILDER_IMAGE, PYTHON_313_IMAGE, catalogue, python_template
from cluster.node import namespaces
from cluster.node.network import Link
from cluster.node.spawning import MadeFrom
from cluster.release.build_support import ca_config_map, helm_values, install_seccomp_profile, read_ca_bundle
from cluster.settings import POD_NETWORK, SERVICE_NETWORK, Instance
from tools.seccomp_profile import FREE, profile

LINK = Link(host="10.213.0.1", node="10.213.0.2")


def test_builds_go_out_by_the_proxy_and_to_the_cluster_directly() -> None:
    builds = helm_values(LINK, ca_bundle=True)["builds"]
    assert isinstance(builds, dict)
    assert builds["environment"]["HTTPS_PROXY"] == "http://10.213.0.1:3128"
    direct = builds["environment"]["NO_PROXY"].split(",")
    assert {"localhost", ".svc", "10.213.0.2", SERVICE_NETWORK, POD_NETWORK} <= set(direct)
    assert builds["caBundle"] == {"configMap": "build-ca", "key": "ca.crt"}


def test_base_images_come_from_the_clusters_registry() -> None:
    builds = helm_values(LINK, ca_bundle=False)["builds"]
    assert isinstance(builds, dict)
    address = "serviceexecution-registry.serviceexecution-system.svc:5000"
    assert builds["registry"]["mirrors"] == {
        "docker.io": f"{address}/docker.io",
        "ghcr.io": f"{address}/ghcr.io",
    }
    assert "caBundle" not in builds


def test_certificates_go_into_a_config_map_when_they_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "ca.crt"
    bundle.write_text("certificates")
    assert ca_config_map(read_ca_bundle(bundle) or "")["data"] == {"ca.crt": "certificates"}
    bundle.write_text("x" * 2**20)
    assert read_ca_bundle(bundle) is None
    assert "too large for a ConfigMap" in capsys.readouterr().err
    assert read_ca_bundle(tmp_path / "none") is None


def test_the_profile_lies_where_the_kubelet_looks(tmp_path: Path) -> None:
    install_seccomp_profile(tmp_path)
    installed = tmp_path / "node/var-lib-kubelet/seccomp/serviceexecution-build.json"
    assert json.loads(installed.read_text())["defaultAction"] == "SCMP_ACT_ERRNO"


def test_the_profile_has_what_needs_no_capability_and_the_builders_calls() -> None:
    allow = "SCMP_ACT_ALLOW"
    rules = [
        {"names": ["read", "mount"], "action": allow, "args": [], "includes": {}, "excludes": {}},
        {"names": ["bpf"], "action": allow, "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["s390_pci_mmio_read"], "action": allow, "includes": {"arches": ["s390"]}},
        {"names": ["arch_prctl"], "action": allow, "includes": {"arches": ["amd64"]}},
        {"names": ["clone"], "action": "SCMP_ACT_ERRNO"},
        {"names": ["personality"], "action": allow, "args": [{"index": 0, "value": 8, "valueTwo": None}]},
    ]
    made = profile({"syscalls": rules})["syscalls"]
    assert made == [
        {"names": ["read"], "action": allow},
        {"names": ["arch_prctl"], "action": allow},
        {"names": ["personality"], "action": allow, "args": [{"index": 0, "value": 8}]},
        {"names": sorted(FREE), "action": allow},
    ]


def test_apts_proxy_settings_are_found(tmp_path: Path) -> None:
    (tmp_path / "01other").write_text('APT::Install-Recommends "0";')
    (tmp_path / "02proxy").write_text('Acquire::http::Proxy "http://proxy.example:3128";')
    assert proxy_settings(tmp_path) == [tmp_path / "02proxy"]
    assert proxy_settings(tmp_path / "none") == []


def test_each_python_has_its_template_on_its_own_base(tmp_path: Path) -> None:
    images = catalogue(tmp_path)
    old, new = images[python_template("3.11")], images[python_template("3.13")]
    assert new.bases == (PYTHON_313_IMAGE,)
    assert image_hash(old, images) != image_hash(new, images)
    # Builds pull them from the registry, the node never runs them under these names.
    assert all(image.seeded and not image.on_node for image in (old, new))
    assert images[BUILDER_IMAGE].on_node


def test_a_node_is_outdated_when_its_programs_or_settings_change(tmp_path: Path) -> None:
    ours = Instance("test", tmp_path)

    def outdated(binaries: str, pause: str) -> bool:
        return namespaces.is_outdated(ours, MadeFrom(Path(binaries), pause))

    assert not outdated("/b1", "p:1")  # it was never started
    (tmp_path / "link.json").write_text(json.dumps({"host": LINK.host, "node": LINK.node}))
    assert outdated("/b1", "p:1")  # by a launcher that did not write down what it was made from
    namespaces.record_start(ours, LINK, MadeFrom(Path("/b1"), "p:1"))
    assert not outdated("/b1", "p:1")
    assert outdated("/b2", "p:1")
    assert outdated("/b1", "p:2")
