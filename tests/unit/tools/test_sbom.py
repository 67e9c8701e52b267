"""SBOMs list what an image holds, and what images of ours are made from is pinned."""

import io
import json
import re
import tarfile

import pytest

from tools import ROOT
from tools.sbom import Package, contents, document

STATUS = """Package: git
Status: install ok installed
Version: 1:2.39.5-0

Package: gone
Status: deinstall ok config-files
Version: 1.0
"""


def tar(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def metadata(name, version):
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText\n".encode()


@pytest.fixture
def archive(tmp_path):
    lower = tar(
        {
            "var/lib/dpkg/status": STATUS.encode(),
            "opt/venv/lib/pip-24.dist-info/METADATA": metadata("pip", "24.0"),
            "opt/venv/lib/Kopf-1.dist-info/METADATA": metadata("Kopf", "1.45.2"),
        }
    )
    upper = tar({"opt/venv/lib/.wh.pip-24.dist-info": b""})
    described = [{"Config": "c.json", "RepoTags": ["ghcr.io/x/operator:1"], "Layers": ["a.tar", "b.tar"]}]
    path = tmp_path / "image.tar"
    files = {"manifest.json": json.dumps(described).encode(), "c.json": b"{}", "a.tar": lower, "b.tar": upper}
    path.write_bytes(tar(files))
    return path


def test_lists_what_is_installed_and_not_what_a_later_layer_deleted(archive):
    reference, _, found = contents(archive)
    assert reference == "ghcr.io/x/operator:1"
    assert found == [Package("deb", "git", "1:2.39.5-0"), Package("pypi", "kopf", "1.45.2")]


def test_the_document_is_cyclonedx_with_package_urls(archive):
    made = json.loads(document(*contents(archive)))
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    assert [component["purl"] for component in made["components"]] == [
        "pkg:deb/debian/git@1:2.39.5-0",
        "pkg:pypi/kopf@1.45.2",
    ]
    assert made["metadata"]["component"]["version"] == "1"


@pytest.mark.parametrize("name", ["operator", "collector", "builder", "python"])
def test_every_base_of_our_images_is_named_by_an_argument_with_a_digest(name):
    lines = (ROOT / "images" / name / "Containerfile").read_text().splitlines()
    arguments = dict(line.removeprefix("ARG ").split("=", 1) for line in lines if line.startswith("ARG "))
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert bases
    for base in bases:
        argument = base.removeprefix("${").removesuffix("}")
        assert base == f"${{{argument}}}"
        if argument != "BUILDKIT":  # its binaries are pinned by version; see docs/security.md
            assert re.search(r"@sha256:[0-9a-f]{64}$", arguments[argument])
