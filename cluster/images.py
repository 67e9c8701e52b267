"""Building container images without a Docker daemon or a registry, and keeping them by the hash of their content."""

import io
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster.binaries import build_all
from cluster.commands import run, succeeds
from cluster.console import step
from cluster.hashing import content_hash
from cluster.lock import exclusive
from cluster.settings import CHECKOUT

PAUSE_IMAGE = "localhost/serviceexecution-pause:1"
PYTHON_IMAGE = "docker.io/library/python:3.11-slim-bookworm"
BUSYBOX_IMAGE = "docker.io/library/busybox:1.35.0"
OPERATOR_IMAGE = "ghcr.io/serviceexecution/operator:0.1.0"
COLLECTOR_IMAGE = "ghcr.io/serviceexecution/collector:0.1.0"

_IMAGES = CHECKOUT / "images"
_KEPT_ARCHIVES = 3
_PYTHON_PACKAGES = ("python3", "python3-venv", "python3-pip", "ca-certificates", "netbase", "tzdata")
# So that RUN lines reach a package index the way the host does.
_HOST_CERTIFICATES = Path("/etc/ssl/certs")
_PIP_SETTINGS = (Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf")


@dataclass(frozen=True)
class Image:
    """An image made from a Containerfile.

    Attributes:
        reference: the name that pods use.
        containerfile: its path.
        context: the build context's directory; None for a temporary one that `prepare` fills.
        inputs: the files and directories whose content decides whether it must be built again.
        bases: references of other images here that its FROM lines name.
        prepare: puts what the Containerfile copies into an empty context directory.
        estimate: how long a first build takes.
    """

    reference: str
    containerfile: Path
    inputs: tuple[Path, ...]
    context: Path | None = None
    bases: tuple[str, ...] = ()
    prepare: Callable[[Path], None] | None = None
    salt: tuple[str, ...] = ()
    estimate: str = "a few seconds"


def catalogue(cache: Path) -> dict[str, Image]:
    """Every image that the embedded cluster needs, by reference, bases first."""
    images = [
        _stand_in(
            "pause",
            PAUSE_IMAGE,
            lambda target: _copy_pause(cache, target),
            inputs=(CHECKOUT / "cluster/go/pause",),
        ),
        _stand_in("busybox", BUSYBOX_IMAGE, _busybox_files),
        _stand_in("python", PYTHON_IMAGE, _python_files, salt=_PYTHON_PACKAGES, estimate="1 minute"),
        _from_checkout(
            "operator",
            OPERATOR_IMAGE,
            (CHECKOUT / "requirements.lock", CHECKOUT / "operator"),
            estimate="1 minute",
        ),
        _from_checkout("collector", COLLECTOR_IMAGE, (CHECKOUT / "operator/serviceexecution/collector",)),
    ]
    images += map(_test_image, sorted((CHECKOUT / "tests" / "images").glob("*/Containerfile")))
    return {image.reference: image for image in images if image.containerfile.exists()}


def _stand_in(
    name: str,
    reference: str,
    prepare: Callable[[Path], None],
    *,
    inputs: tuple[Path, ...] = (),
    salt: tuple[str, ...] = (),
    estimate: str = "a few seconds",
) -> Image:
    containerfile = _IMAGES / "embedded" / name / "Containerfile"
    return Image(
        reference,
        containerfile,
        inputs=(containerfile, *inputs),
        prepare=prepare,
        salt=salt,
        estimate=estimate,
    )


def _from_checkout(
    name: str, reference: str, inputs: tuple[Path, ...], estimate: str = "a few seconds"
) -> Image:
    containerfile = _IMAGES / name / "Containerfile"
    return Image(
        reference,
        containerfile,
        inputs=(containerfile, *inputs),
        context=CHECKOUT,
        bases=(PYTHON_IMAGE,),
        estimate=estimate,
    )


def _test_image(containerfile: Path) -> Image:
    """`localhost/test-<directory>:1`; its FROM lines decide on which of our bases it stands."""
    directory = containerfile.parent
    lines = containerfile.read_text().splitlines()
    named = {words[1] for line in lines if len(words := line.split()) > 1 and words[0].upper() == "FROM"}
    bases = tuple(base for base in (PYTHON_IMAGE, BUSYBOX_IMAGE) if base in named)
    return Image(
        f"localhost/test-{directory.name}:1", containerfile, (directory,), context=directory, bases=bases
    )


def image_hash(image: Image, all_images: dict[str, Image]) -> str:
    """Changes with the image's inputs and with its bases."""
    bases = tuple(image_hash(all_images[base], all_images) for base in image.bases)
    return content_hash(image.inputs, base=CHECKOUT, salt=(image.reference, *image.salt, *bases))


def archive_path(cache: Path, image: Image, all_images: dict[str, Image]) -> Path:
    """Where the image's archive is kept, readable name first."""
    name = image.reference.rpartition("/")[2].replace(":", "-")
    return cache / "images" / f"{name}-{image_hash(image, all_images)}.tar"


def build(cache: Path, image: Image, all_images: dict[str, Image]) -> Path:
    """Return the image's archive (as `docker save` writes it), built when there is none of this content.

    Raises:
        LauncherError: the build failed.
    """
    archive = archive_path(cache, image, all_images)
    if archive.exists():
        return archive
    bases = {base: build(cache, all_images[base], all_images) for base in image.bases}
    with exclusive(cache / "images.lock", what="builds images"):
        if not archive.exists():
            for reference, base in bases.items():
                _into_storage(cache, reference, base)
            _build(cache, image, archive)
            _forget_old(archive)
    return archive


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
    with step(f"image {image.reference}: building, about {image.estimate}"):
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
    return volumes


def _copy_pause(cache: Path, target: Path) -> None:
    shutil.copy(build_all(cache, ("pause",)) / "pause", target / "pause")


def _busybox_files(target: Path) -> None:
    """The public image's layout from Debian's static busybox: /bin with a link per applet, users, empty directories."""
    program = Path("/bin/busybox") if Path("/bin/busybox").exists() else Path("/usr/bin/busybox")
    applets = run([program, "--list"], what="Listing busybox's applets").split()
    with tarfile.open(target / "rootfs.tar", "w") as archive:
        for name, mode in (("bin", 0o755), ("etc", 0o755), ("home", 0o755), ("root", 0o700), ("tmp", 0o1777)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        users = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
        for name, data, mode in (
            ("bin/busybox", program.read_bytes(), 0o755),
            ("etc/passwd", users, 0o644),
            ("etc/group", b"root:x:0:\nnogroup:x:65534:\n", 0o644),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
        for applet in applets:
            if applet != "busybox":
                entry = tarfile.TarInfo(f"bin/{applet}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(entry)


def _python_files(target: Path) -> None:
    """A Debian of the public image's release with the same Python minor version, `python` and `pip` in /usr/local."""
    links = " && ".join(
        f'ln -s /usr/bin/{program} "$1/usr/local/bin/{name}"'
        for program, name in (
            ("python3", "python"),
            ("python3", "python3"),
            ("pip3", "pip"),
            ("pip3", "pip3"),
        )
    )
    cleanup = (
        'rm -rf "$1"/usr/lib/python3.11/EXTERNALLY-MANAGED "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*'
    )
    options = [
        "--variant=minbase",
        f"--include={','.join(_PYTHON_PACKAGES)}",
        *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale")),
        f"--customize-hook={links}",
        f"--customize-hook={cleanup}",
    ]
    run(["mmdebstrap", *options, "bookworm", target / "rootfs.tar"], what="Making the Python base image")
