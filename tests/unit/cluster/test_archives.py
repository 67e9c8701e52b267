"""Names in image archives, and archives written as one."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from cluster.errors import LauncherError
from cluster.images.archives import archive_names, with_containerd_names, write_merged


def write(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def oci(path: Path, annotations: dict[str, str], prefix: str = "") -> Path:
    index = {"schemaVersion": 2, "manifests": [{"digest": "sha256:0", "annotations": annotations}]}
    return write(path, {f"{prefix}oci-layout": b"{}", f"{prefix}index.json": json.dumps(index).encode()})


def docker(path: Path, name: str, layers: list[str]) -> Path:
    manifest = [{"Config": f"{name}.json", "RepoTags": [f"localhost/{name}:1"], "Layers": layers}]
    members = {layer: layer.encode() for layer in layers}
    return write(path, {**members, f"{name}.json": b"{}", "manifest.json": json.dumps(manifest).encode()})


@pytest.mark.parametrize("key", ["io.containerd.image.name", "org.opencontainers.image.ref.name"])
def test_an_oci_archive_is_loaded_under_its_full_name(tmp_path: Path, key: str) -> None:
    source = oci(tmp_path / "a.tar", {key: "docker.io/you/image:1"}, prefix="./")
    assert archive_names(source) == ["docker.io/you/image:1"]
    with_containerd_names(source, tmp_path / "b.tar")
    with tarfile.open(tmp_path / "b.tar") as archive:
        content = archive.extractfile("./index.json")
        assert content is not None
        annotations = json.load(content)["manifests"][0]["annotations"]
    assert annotations["io.containerd.image.name"] == "docker.io/you/image:1"


def test_a_bare_tag_is_no_name(tmp_path: Path) -> None:
    assert archive_names(oci(tmp_path / "a.tar", {"org.opencontainers.image.ref.name": "latest"})) == []


def test_a_docker_archive_has_its_tags(tmp_path: Path) -> None:
    assert archive_names(docker(tmp_path / "a.tar", "x", ["l1"])) == ["localhost/x:1"]


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(LauncherError, match="is not an image archive"):
        archive_names(tmp_path / "text")
    with pytest.raises(LauncherError, match="is not an OCI or Docker image archive"):
        archive_names(write(tmp_path / "other.tar", {"file": b""}))
    with pytest.raises(LauncherError, match="there is no file"):
        archive_names(tmp_path / "none.tar")


def test_merged_archives_hold_a_shared_layer_once(tmp_path: Path) -> None:
    one = docker(tmp_path / "one.tar", "one", ["base", "top1"])
    two = docker(tmp_path / "two.tar", "two", ["base", "top2"])
    with (tmp_path / "merged.tar").open("wb") as sink:
        write_merged([one, two], sink)
    with tarfile.open(tmp_path / "merged.tar") as archive:
        names = archive.getnames()
    assert sorted(names) == ["base", "manifest.json", "one.json", "top1", "top2", "two.json"]
    assert archive_names(tmp_path / "merged.tar") == ["localhost/one:1", "localhost/two:1"]
