"""Recovering an interrupted installation, the images' hashes, cgroups, the shell's export lines."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from cluster.__main__ import export_lines
from cluster.images.build import image_hash
from cluster.images.catalogue import BUSYBOX_IMAGE, OPERATOR_IMAGE, PYTHON_IMAGE, catalogue
from cluster.node import cgroups
from cluster.node.supervisor import probe
from cluster.release.operator_release import interrupted_rollouts, recovery


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("pending-install", "uninstall"),
        ("pending-upgrade", "rollback"),
        ("pending-rollback", "rollback"),
        ("uninstalling", "uninstall"),
    ],
)
def test_an_interrupted_release_is_brought_back(status: str, command: str) -> None:
    assert [words[0] for words in recovery(status)] == [command]


@pytest.mark.parametrize("status", ["deployed", "failed", "superseded"])
def test_other_releases_need_nothing(status: str) -> None:
    assert recovery(status) == []


def replica_set(deployment: str, replicas: int) -> dict[str, Any]:
    owner = {"kind": "Deployment", "name": deployment}
    return {"metadata": {"ownerReferences": [owner]}, "spec": {"replicas": replicas}}


def test_a_deployment_with_pods_of_two_replica_sets_was_interrupted() -> None:
    found = [replica_set("gateway", 2), replica_set("gateway", 0), replica_set("gateway", 1)]
    ended = [replica_set("controller", 1), replica_set("controller", 0)]
    assert interrupted_rollouts([*found, *ended, {"metadata": {}, "spec": {"replicas": 1}}]) == ["gateway"]


def test_every_base_is_in_the_catalogue_before_what_stands_on_it(tmp_path: Path) -> None:
    images = catalogue(tmp_path)
    seen: set[str] = set()
    for reference, image in images.items():
        assert set(image.bases) <= seen
        seen.add(reference)
    assert {PYTHON_IMAGE, BUSYBOX_IMAGE, OPERATOR_IMAGE} <= seen


def test_an_image_changes_with_its_base(tmp_path: Path) -> None:
    images = catalogue(tmp_path)
    before = image_hash(images[OPERATOR_IMAGE], images)
    base = images[PYTHON_IMAGE]
    changed = {**images, PYTHON_IMAGE: type(base)(**{**vars(base), "salt": ("another",)})}
    assert image_hash(images[OPERATOR_IMAGE], changed) != before


@pytest.mark.parametrize("version_2", [False, True])
def test_control_groups_come_and_go_in_every_layout(tmp_path: Path, version_2: bool) -> None:
    if version_2:
        (tmp_path / "cgroup.controllers").write_text("cpu memory misc")
    else:
        for controller in ("cpu", "memory"):
            (tmp_path / controller).mkdir()
    cgroups.create("ours", tmp_path)
    groups = [hierarchy / "ours" for hierarchy in cgroups.hierarchies(tmp_path)]
    assert all(group.is_dir() for group in groups)
    if version_2:
        assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory"
        (groups[0] / "cgroup.subtree_control").unlink()  # the kernel's own files go with their directory
    (groups[0] / "kubepods" / "pod1").mkdir(parents=True)
    cgroups.remove("ours", tmp_path)
    assert not any(group.exists() for group in groups)


def test_export_lines_keep_the_shells_path_and_quote_values() -> None:
    values: Mapping[str, str] = {"KUBECONFIG": "/a b/c", "PATH": "/bin1"}
    lines = export_lines(Mock(environment=lambda: values))
    assert lines == "export KUBECONFIG='/a b/c'\nexport PATH=/bin1:\"$PATH\""


def test_probes_of_nobody_fail(tmp_path: Path) -> None:
    assert not probe(f"unix:{tmp_path}/none.sock")
    assert not probe("tcp:127.0.0.1:1")
    assert not probe("https:127.0.0.1:1/readyz")
