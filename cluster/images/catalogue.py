"""Which images there are, what each is made from, and where it is wanted."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from cluster.console_files import BUILT_FROM
from cluster.images.base_images import (
    NODE_PACKAGES,
    PYTHON_PACKAGES,
    busybox_files,
    copy_buildkit,
    copy_pause,
    copy_registry,
    copy_versitygw,
    node_files,
    python_files,
)
from cluster.images.binaries import (
    BUILDKIT_PROGRAMS,
    PAUSE_PROGRAMS,
    REGISTRY_PROGRAMS,
    S3_PROGRAMS,
)
from cluster.settings import CHECKOUT, VERSION

PAUSE_IMAGE: Final = "localhost/serviceexecution-pause:1"
PYTHON_IMAGE: Final = "docker.io/library/python:3.11-slim-bookworm"
PYTHON_313_IMAGE: Final = "docker.io/library/python:3.13-slim-trixie"
BUSYBOX_IMAGE: Final = "docker.io/library/busybox:1.35.0"
NODE_IMAGE: Final = "docker.io/library/node:18-bookworm-slim"
BUILDKIT_IMAGE: Final = "docker.io/moby/buildkit:v0.34.2-rootless"
REGISTRY_IMAGE: Final = "docker.io/library/registry:3.1.2"
S3_IMAGE: Final = "ghcr.io/versity/versitygw:v1.8.0"
OWN_IMAGES: Final = "ghcr.io/serviceexecution/"
OPERATOR_IMAGE: Final = f"{OWN_IMAGES}operator:{VERSION}"
COLLECTOR_IMAGE: Final = f"{OWN_IMAGES}collector:{VERSION}"
BUILDER_IMAGE: Final = f"{OWN_IMAGES}builder:{VERSION}"

_IMAGES: Final = CHECKOUT / "images"
_GO: Final = CHECKOUT / "cluster" / "go"
_PACKAGE: Final = CHECKOUT / "operator" / "serviceexecution"


@dataclass(frozen=True)
class Image:
    """An image made from a Containerfile."""

    reference: str
    """The name that pods use."""
    containerfile: Path
    """Its path."""
    inputs: tuple[Path, ...]
    """The files and directories whose content decides whether it must be built again."""
    context: Path | None = None
    """The build context's directory; None for a temporary one that `prepare` fills."""
    bases: tuple[str, ...] = ()
    """References of other images here that its FROM lines name."""
    prepare: Callable[[Path], None] | None = None
    """Puts what the Containerfile copies into an empty context directory."""
    local_bases: tuple[tuple[str, str], ...] = ()
    """Values for its ARG lines that name a base by digest: here stand-ins serve, which have others."""
    salt: tuple[str, ...] = ()
    """What else changes the outcome."""
    programs: tuple[str, ...] = ()
    """The Go programs that it holds."""
    for_executions: bool = False
    """Executions of images that are there already need it: it is in every cluster."""
    on_node: bool = True
    """Pods run it by this name, so the node gets it."""
    seeded: bool = False
    """Builds start from it, so the cluster's registry gets it."""
    seconds: float = 5
    """How long a first build takes on two cores."""


def catalogue(cache: Path) -> dict[str, Image]:
    """Every image that the embedded cluster needs, by reference, bases first.

    An image of ours whose package is not in this checkout is left out.
    """
    images = [*_stand_ins(cache), *_ours()]
    images += map(_test_image, sorted((CHECKOUT / "tests" / "images").glob("*/Containerfile")))
    return {image.reference: image for image in images if all(path.exists() for path in image.inputs)}


def _stand_ins(cache: Path) -> list[Image]:
    def stand_in(name: str, reference: str, prepare: Callable[[Path], None], *inputs: Path) -> Image:
        directory = _IMAGES / "embedded" / name
        return Image(reference, directory / "Containerfile", inputs=(directory, *inputs), prepare=prepare)

    python = partial(python_files, "bookworm")
    python_313 = partial(python_files, "trixie")
    return [
        replace(
            stand_in("pause", PAUSE_IMAGE, partial(copy_pause, cache), _GO / "pause"),
            programs=PAUSE_PROGRAMS,
            for_executions=True,
        ),
        replace(stand_in("busybox", BUSYBOX_IMAGE, busybox_files), seeded=True, for_executions=True),
        replace(
            stand_in("python", PYTHON_IMAGE, python),
            salt=PYTHON_PACKAGES,
            seeded=True,
            for_executions=True,
            seconds=60,
        ),
        replace(
            stand_in("python", PYTHON_313_IMAGE, python_313),
            salt=PYTHON_PACKAGES,
            on_node=False,
            seeded=True,
            seconds=60,
        ),
        replace(
            stand_in("node", NODE_IMAGE, node_files),
            salt=NODE_PACKAGES,
            on_node=False,
            seeded=True,
            seconds=60,
        ),
        replace(
            stand_in(
                "buildkit",
                BUILDKIT_IMAGE,
                partial(copy_buildkit, cache),
                _GO / "buildkit",
                _GO / "rootlesskit",
            ),
            programs=BUILDKIT_PROGRAMS,
            on_node=False,
        ),
        replace(
            stand_in("registry", REGISTRY_IMAGE, partial(copy_registry, cache), _GO / "registry"),
            programs=REGISTRY_PROGRAMS,
            bases=(BUSYBOX_IMAGE,),
        ),
        replace(
            stand_in("versitygw", S3_IMAGE, partial(copy_versitygw, cache), _GO / "versitygw"),
            programs=S3_PROGRAMS,
            bases=(BUSYBOX_IMAGE,),
        ),
    ]


def _ours() -> list[Image]:
    def ours(name: str, *inputs: Path, bases: tuple[str, ...] = (PYTHON_IMAGE,)) -> Image:
        containerfile = _IMAGES / name / "Containerfile"
        reference = f"{OWN_IMAGES}{name}:{VERSION}"
        return Image(
            reference,
            containerfile,
            (containerfile, *inputs),
            context=CHECKOUT,
            bases=bases,
            local_bases=tuple(zip(("BASE", "BUILDKIT"), bases, strict=False)),
        )

    return [
        replace(
            ours(
                "operator",
                CHECKOUT / "requirements.lock",
                CHECKOUT / "requirements-node.lock",
                CHECKOUT / "operator",
                *BUILT_FROM,
            ),
            for_executions=True,
            seconds=120,
        ),
        replace(ours("collector", _PACKAGE / "collector"), for_executions=True),
        replace(ours("builder", _PACKAGE / "builder", bases=(PYTHON_IMAGE, BUILDKIT_IMAGE)), seconds=60),
        *(
            replace(
                ours("python", CHECKOUT / "requirements-uv.lock", _PACKAGE / "launcher", bases=(base,)),
                reference=python_template(version),
                on_node=False,
                seeded=True,
                seconds=20,
            )
            for version, base in (("3.11", PYTHON_IMAGE), ("3.13", PYTHON_313_IMAGE))
        ),
    ]


def python_template(version: str) -> str:
    """The reference of the image that Python projects are built on; `version` is Python's, such as 3.11."""
    return f"{OWN_IMAGES}python:{version}-{VERSION}"


def _test_image(containerfile: Path) -> Image:
    """`localhost/test-<directory>:1`; its FROM lines decide on which of our bases it stands."""
    directory = containerfile.parent
    lines = containerfile.read_text().splitlines()
    named = {words[1] for line in lines if len(words := line.split()) > 1 and words[0].upper() == "FROM"}
    bases = tuple(base for base in (PYTHON_IMAGE, BUSYBOX_IMAGE) if base in named)
    return Image(
        f"localhost/test-{directory.name}:1", containerfile, (directory,), context=directory, bases=bases
    )
