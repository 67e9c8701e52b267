"""Where everything lies in the pod. Variables move the places, for tests."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Directories of the pod."""

    work: Path
    """Everything that the build writes, an emptyDir."""
    mounted: Path
    """What is mounted from Secrets: git, registry, index, secrets."""
    cache: Path
    """The cache volume, where the definition has one."""
    termination_log: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Paths:
        """Return the places that the environment says, or those of the image."""
        return cls(
            Path(environment.get("SX_BUILD_DIRECTORY", "/build")),
            Path(environment.get("SX_BUILD_MOUNTS", "/run/build")),
            Path(environment.get("SX_BUILD_CACHE", "/cache")),
            Path(environment.get("SX_TERMINATION_LOG", "/dev/termination-log")),
        )

    def made(self, name: str) -> Path:
        """Return a directory below the work directory, made where it is missing."""
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        # A volume with an fsGroup gives its setgid bit to every new directory, in the end to those of the image.
        with contextlib.suppress(PermissionError):  # A volume of its own
            path.chmod(0o700)
        return path

    def mount(self, *parts: str) -> Path | None:
        """Return a file that is mounted; None where it is not."""
        path = self.mounted.joinpath(*parts)
        return path if path.is_file() else None
