"""What `make dist` writes can be read back, and a damaged archive is found."""

import io
import json
import shutil
import subprocess
import tarfile
from typing import IO, cast

import pytest
import yaml

from cluster.images.layers import LayerStore
from cluster.images.seeding import Content, read_content
from tools import ROOT, dist
from tools.chart.install_manifest import CHART
from tools.errors import GenerationError
from tools.oci_archive import check_oci_archive, write_oci_archive

NAME = "ghcr.io/serviceexecution/operator:1.2.3"


def tar(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def content(tmp_path) -> Content:
    config = json.dumps({"rootfs": {"diff_ids": ["sha256:" + "1" * 64]}}).encode()
    described = json.dumps([{"Config": "c.json", "RepoTags": [NAME], "Layers": ["a.tar"]}]).encode()
    archive = tmp_path / "image.tar"
    archive.write_bytes(tar({"manifest.json": described, "c.json": config, "a.tar": tar({"etc/x": b"1"})}))
    return read_content(archive, LayerStore(tmp_path / "layers"))


@pytest.fixture
def written(content, tmp_path):
    target = tmp_path / "operator.oci.tar"
    write_oci_archive(NAME, content, target)
    return target


def rewritten(path, change):
    """Write the archive anew with files changed, None for those that go."""
    with tarfile.open(path) as opened:
        files = {member.name: opened.extractfile(member).read() for member in opened}
    path.write_bytes(tar({name: data for name, data in change(files).items() if data is not None}))


def layer_of(files):
    index = json.loads(files["index.json"])
    manifest = json.loads(files["blobs/" + index["manifests"][0]["digest"].replace(":", "/")])
    return "blobs/" + manifest["layers"][0]["digest"].replace(":", "/")


def test_an_archive_is_read_back(written):
    assert check_oci_archive(written) == NAME


def test_an_archive_names_its_tag_as_tools_look_for_it(written):
    with tarfile.open(written) as opened:
        assert opened.getnames()[0] == "oci-layout"
        index = json.load(cast("IO[bytes]", opened.extractfile("index.json")))
    assert index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] == "1.2.3"


def test_the_same_image_gives_the_same_bytes(written, content, tmp_path):
    again = tmp_path / "again.tar"
    write_oci_archive(NAME, content, again)
    assert again.read_bytes() == written.read_bytes()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda files: {**files, layer_of(files): b"other"}, "is missing, or is not what its name says"),
        (lambda files: {**files, layer_of(files): None}, "is missing, or is not what its name says"),
        (lambda files: {**files, f"blobs/sha256/{'0' * 64}": b""}, "nothing names blobs/sha256/000"),
    ],
)
def test_a_damaged_archive_is_found(written, change, sentence):
    rewritten(written, change)
    with pytest.raises(GenerationError, match=sentence):
        check_oci_archive(written)


def test_checksums_are_those_that_sha256sum_reads(tmp_path):
    dist.copy_files(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.tar").write_bytes(b"1")
    (tmp_path / dist.CHECKSUMS).write_text(dist.checksums(tmp_path))
    program = shutil.which("sha256sum")
    assert program is not None
    command = [program, "--check", "--strict", "--quiet", dist.CHECKSUMS]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    listed = {line.split("  ")[1] for line in (tmp_path / dist.CHECKSUMS).read_text().splitlines()}
    assert {"images/a.tar", "install.yaml", "argocd-cm.yaml", "LICENSE"} <= listed


def test_artifact_hub_is_told_of_every_kind():
    chart = yaml.safe_load((ROOT / CHART / "Chart.yaml").read_text())
    told = {one["name"] for one in yaml.safe_load(chart["annotations"]["artifacthub.io/crds"])}
    there = {yaml.safe_load(path.read_text())["metadata"]["name"] for path in (ROOT / "crds").glob("*.yaml")}
    assert told == there


def test_the_release_workflow_names_actions_by_commit_and_targets_that_exist():
    text = (ROOT / ".github/workflows/release.yml").read_text()
    workflow = yaml.safe_load(text)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = {step["uses"].partition("@")[2] for step in steps if "uses" in step}
    assert all(len(commit) == 40 for commit in used)
    makefile = (ROOT / "Makefile").read_text()
    targets = [step["run"].split()[1] for step in steps if step.get("run", "").startswith("make ")]
    assert targets
    assert all(f"\n{target}:" in makefile for target in targets)
