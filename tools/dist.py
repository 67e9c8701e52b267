"""Writes everything that an install without a network needs: ``python -m tools.dist DIRECTORY``.

Images as OCI archives, the chart, manifests, JSON Schemas, an SBOM of each image, and checksums of all.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cluster.errors import LauncherError
from cluster.images.binaries import HELM_ONLY, build_all
from cluster.images.build import build
from cluster.images.catalogue import OWN_IMAGES, catalogue
from cluster.images.layers import LayerStore
from cluster.images.seeding import read_content
from cluster.settings import cache_home
from tools import ROOT
from tools.chart.install_manifest import CHART, INSTALL_MANIFEST
from tools.editor_schemas import FOLDER as SCHEMAS
from tools.errors import GenerationError
from tools.oci_archive import check_oci_archive, write_oci_archive
from tools.sbom import contents, document

CHECKSUMS: Final = "SHA256SUMS"
_COPIED: Final = (INSTALL_MANIFEST, "crds", SCHEMAS, "manifests/argocd/argocd-cm.yaml", "LICENSE")


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.dist", description=__doc__)
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    write_images(directory)
    write_chart(directory)
    copy_files(directory)
    (directory / CHECKSUMS).write_text(checksums(directory))
    for path in _files(directory):
        print(f"{path.stat().st_size:>12}  {path.relative_to(directory)}")
    return 0


def write_images(directory: Path) -> None:
    """Write an OCI archive and an SBOM of each image of ours, and read each archive back."""
    cache = cache_home()
    images = catalogue(cache)
    (directory / "images").mkdir()
    (directory / "sbom").mkdir()
    for image in images.values():
        if not image.reference.startswith(OWN_IMAGES):
            continue
        built = build(cache, image, images)
        reference, digest, packages = contents(built)
        name = image.reference.removeprefix(OWN_IMAGES).replace(":", "_")
        archive = directory / "images" / f"{name}.oci.tar"
        write_oci_archive(image.reference, read_content(built, LayerStore(cache / "layers")), archive)
        check_oci_archive(archive)
        (directory / "sbom" / f"{name}.cdx.json").write_text(document(reference, digest, packages))


def write_chart(directory: Path) -> None:
    """Write the chart as Helm packs it; raises GenerationError."""
    helm = build_all(cache_home(), HELM_ONLY) / "helm"
    command = [str(helm), "package", str(ROOT / CHART), "--destination", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise GenerationError(f"helm package failed: {done.stderr.strip()}")


def copy_files(directory: Path) -> None:
    """Copy what is there as it is."""
    for name in _COPIED:
        source, target = ROOT / name, directory / Path(name).name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)


def checksums(directory: Path) -> str:
    """Return a list as `sha256sum --check` reads it."""
    lines = []
    for path in _files(directory):
        with path.open("rb") as file:
            lines.append(
                f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(directory)}\n"
            )
    return "".join(lines)


def _files(directory: Path) -> Iterator[Path]:
    yield from sorted(path for path in directory.rglob("*") if path.is_file() and path.name != CHECKSUMS)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (LauncherError, GenerationError) as error:
        sys.exit(f"error: {error}")
