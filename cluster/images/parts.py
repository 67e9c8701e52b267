"""Building all that a cluster is made of: Go programs, and the images beside them that hold none."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cluster.images.binaries import NODE_PROGRAMS, build_all, missing_programs
from cluster.images.build import build, missing_images
from cluster.images.catalogue import Image, catalogue
from cluster.images.outlook import Outlook
from cluster.kubernetes_versions import DEFAULT


@dataclass(frozen=True)
class Parts:
    """What was built."""

    binaries: Path
    """The directory with the node's programs."""
    images: dict[str, Image]
    """The images, by reference, bases first."""
    archives: dict[str, Path]
    """Their archives."""


def build_parts(cache: Path, *, lean: bool, kubernetes: str = DEFAULT) -> Parts:
    """Build what is missing; with ``lean`` not what only builds and tests need. ``kubernetes`` is its version.

    Compiling keeps the processors busy, making images from packages mostly waits: they go on side by side. Raises
    LauncherError when a build failed.
    """
    all_images = catalogue(cache)
    images = {name: one for name, one in all_images.items() if one.for_executions or not lean}
    programs = tuple(NODE_PROGRAMS) + tuple(name for one in images.values() for name in one.programs)
    missing = missing_programs(cache, programs, kubernetes=kubernetes)
    missing |= missing_images(cache, images.values(), all_images)
    outlook = Outlook(missing)
    outlook.begin()
    beside = [one for one in images.values() if not _holds_programs(one, all_images)]
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(build, cache, one, all_images, outlook=outlook) for one in beside]
        try:
            build_all(cache, programs, kubernetes=kubernetes, outlook=outlook)
            for one in waiting:
                one.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    archives = {name: build(cache, one, all_images, outlook=outlook) for name, one in images.items()}
    return Parts(build_all(cache, NODE_PROGRAMS, kubernetes=kubernetes), images, archives)


def _holds_programs(image: Image, all_images: dict[str, Image]) -> bool:
    return bool(image.programs) or any(_holds_programs(all_images[base], all_images) for base in image.bases)
