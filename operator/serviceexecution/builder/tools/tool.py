"""What both tools, BuildKit and buildah, are asked to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serviceexecution.builder.pod.commands import Finished
from serviceexecution.builder.registry.client import RegistryClient
from serviceexecution.builder.registry.configuration import RegistryAccess


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """One image. ``args`` are build arguments, ``secrets`` files by id, ``environment`` what the tools start with,
    ``login`` a docker config, ``cache`` the cache volume's directory when it is this build's."""

    context: Path
    dockerfile: Path
    args: Mapping[str, str]
    secrets: Mapping[str, Path]
    image: str
    cache_image: str
    access: RegistryAccess
    environment: Mapping[str, str]
    login: Path | None
    ca_file: Path | None
    client: RegistryClient
    cache: Path | None


@dataclass(frozen=True, slots=True)
class Built:
    """How a tool ended. ``size`` is that of the layers as they are stored, in bytes, None where it is not known."""

    finished: Finished
    digest: str = ""
    size: int | None = None

    @property
    def succeeded(self) -> bool:
        """Tell whether the tool did what it was asked."""
        return self.finished.code == 0


def manifest_size(manifest: str | bytes) -> int | None:
    """Return the size of the layers that an image manifest lists, None when it is none."""
    try:
        value: object = json.loads(manifest)
    except ValueError:
        return None
    layers = value.get("layers") if isinstance(value, dict) else None
    if not isinstance(layers, list):
        return None
    sizes = [layer.get("size") for layer in layers if isinstance(layer, dict)]
    return sum(size for size in sizes if isinstance(size, int))


class Tool(Protocol):
    """BuildKit or buildah. Methods raise BuildError when the tool itself cannot be started."""

    pushes: int
    """How often a push is tried."""

    def start(self) -> None:
        """Make ready."""

    def export(self, target: str, directory: Path) -> Built:
        """Build a stage, and write its files to the directory."""

    def build(self, target: str) -> Built:
        """Build the image; its size is known after that where the tool can tell."""

    def push(self) -> Built:
        """Push what was built; the digest is that of the registry."""

    def stop(self) -> None:
        """End what was started."""
