"""Building container images without a Docker daemon or a registry, and keeping them by the hash of their content."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cluster.commands import run, succeeds
from cluster.console import step
from cluster.hashing import content_hash
from cluster.images.catalogue import Image
from cluster.images.outlook import Outlook, about
from cluster.lock import exclusive, if_free
from cluster.settings import CHECKOUT

_KEPT_ARCHIVES: Final = 3
# So that RUN lines reach package indexes and a Debian mirror the way the host does.
_HOST_CERTIFICATES: Final = Path("/etc/ssl/certs")
_PIP_SETTINGS: Final = (
    Path("/etc/pip.conf"),
    Path.home() / ".config/pip/pip.conf",
    Path.home() / ".pip/pip.conf",
)
_NPM_SETTINGS: Final = Path.home() / ".npmrc"
_APT_SETTINGS: Final = Path("/etc/apt/apt.conf.d")


def image_hash(image: Image, all_images: dict[str, Image]) -> str:
    """Changes with the image's inputs and with its bases."""
    bases = tuple(image_hash(all_images[base], all_images) for base in image.bases)
    arguments = tuple(f"{name}={value}" for name, value in image.local_bases)
    return content_hash(image.inputs, base=CHECKOUT, salt=(image.reference, *image.salt, *arguments, *bases))


def archive_path(cache: Path, image: Image, all_images: dict[str, Image]) -> Path:
    """Where the image's archive is kept, readable name first."""
    name = image.reference.rpartition("/")[2].replace(":", "-")
    return cache / "images" / f"{name}-{image_hash(image, all_images)}.tar"


def missing_images(cache: Path, images: Iterable[Image], all_images: dict[str, Image]) -> dict[str, float]:
    """Return those of the images, by reference, that are still to be built, with their seconds."""
    return {one.reference: one.seconds for one in images if not archive_path(cache, one, all_images).exists()}


def build(cache: Path, image: Image, all_images: dict[str, Image], *, outlook: Outlook | None = None) -> Path:
    """Return the image's archive (as `docker save` writes it), built when there is none of this content.

    `outlook` is told when it has been built. Raises LauncherError when the build failed.
    """
    archive = archive_path(cache, image, all_images)
    if archive.exists():
        return archive
    bases = {base: build(cache, all_images[base], all_images, outlook=outlook) for base in image.bases}
    with exclusive(cache / "images.lock", what="builds images"):
        if not archive.exists():
            try:
                for reference, base in bases.items():
                    _into_storage(cache, reference, base)
                _build(cache, image, archive)
            finally:
                _unmount(cache)
            _forget_old(archive)
    if outlook is not None:
        outlook.done(image.reference)
    return archive


def unmount_storage(cache: Path) -> None:
    """Take away the mounts that builds left, those of killed ones among them; a build that runs keeps its own."""
    if not storage_mounts(cache, Path("/proc/mounts").read_text()):
        return
    with if_free(cache / "images.lock") as free:
        if free:
            _unmount(cache)


def _unmount(cache: Path) -> None:
    """buildah leaves its storage mounted, and a build's containers when it is killed or has several stages."""
    mounts = storage_mounts(cache, Path("/proc/mounts").read_text())
    if len(mounts) > 1:
        _buildah(cache, "rm", "--all", what="Removing what builds left")
        mounts = storage_mounts(cache, Path("/proc/mounts").read_text())
    for mount in mounts:
        run(["umount", mount], what=f"Unmounting {mount}")


def storage_mounts(cache: Path, table: str) -> list[Path]:
    """What of /proc/mounts lies in the builder's storage, in the order in which it can be unmounted."""
    words = (line.split(" ")[1] for line in table.splitlines())
    places = (Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), word)) for word in words)
    return [place for place in places if place.is_relative_to(cache / "buildah")][::-1]


def _forget_old(newest: Path) -> None:
    """Keep a few archives per image: each change of the operator's code leaves one of some 300 MB."""
    prefix = newest.stem.rpartition("-")[0]
    same = [path for path in newest.parent.glob("*.tar") if path.stem.rpartition("-")[0] == prefix]
    for old in sorted(same, key=lambda path: path.stat().st_mtime)[:-_KEPT_ARCHIVES]:
        old.unlink(missing_ok=True)


def _build(cache: Path, image: Image, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    work = cache / "work" / archive.stem
    shutil.rmtree(work, ignore_errors=True)
    context = image.context or work
    with step(f"image {image.reference}: building, {about(image.seconds)}"):
        work.mkdir(parents=True)
        if image.prepare is not None:
            image.prepare(work)
        _buildah(
            cache,
            *(
                "bud",
                "--pull=never",
                "--isolation=chroot",
                "--network=host",
                "--format=docker",
                "--layers",
            ),
            *(word for volume in _volumes() for word in ("--volume", volume)),
            *(word for name, value in image.local_bases for word in ("--build-arg", f"{name}={value}")),
            *("--file", str(image.containerfile), "--tag", image.reference, str(context)),
            what=f"Building the image {image.reference}",
        )
        temporary = archive.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        target = f"docker-archive:{temporary}:{image.reference}"
        _buildah(cache, "push", image.reference, target, what=f"Saving the image {image.reference}")
        temporary.replace(archive)
    shutil.rmtree(work)


def _into_storage(cache: Path, reference: str, archive: Path) -> None:
    """Make a base known to the builder under its name, in exactly the archive's content."""
    marker = cache / "buildah" / "bases" / reference.replace("/", "_")
    if marker.exists() and marker.read_text() == archive.name:
        storage = ["buildah", *_storage(cache), "inspect", "--type=image", reference]
        if succeeds(storage):
            return
    _buildah(cache, "pull", f"docker-archive:{archive}", what=f"Reading the image {reference}")
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(archive.name)


def _storage(cache: Path) -> list[str]:
    directory = cache / "buildah"
    return ["--root", f"{directory}/root", "--runroot", f"{directory}/run", "--storage-driver", "overlay"]


def _buildah(cache: Path, command: str, *arguments: str, what: str) -> None:
    run(["buildah", *_storage(cache), command, *arguments], what=what)


def _volumes() -> list[str]:
    volumes = [f"{_HOST_CERTIFICATES}:{_HOST_CERTIFICATES}:ro"] if _HOST_CERTIFICATES.is_dir() else []
    volumes += [f"{path}:/etc/pip.conf:ro" for path in _PIP_SETTINGS if path.is_file()][:1]
    volumes += [f"{_NPM_SETTINGS}:/etc/npmrc:ro"] if _NPM_SETTINGS.is_file() else []
    return volumes + [f"{path}:{path}:ro" for path in proxy_settings(_APT_SETTINGS)]


def proxy_settings(directory: Path) -> list[Path]:
    """The files of apt's configuration that name a proxy."""
    files = sorted(directory.glob("*")) if directory.is_dir() else []
    return [path for path in files if path.is_file() and "proxy" in path.read_text(errors="replace").lower()]
