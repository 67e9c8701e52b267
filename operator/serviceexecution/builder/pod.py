"""What a build has around it in its pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .commands import Commands
from .gateway import Gateway
from .paths import Paths


@dataclass(frozen=True, slots=True)
class Pod:
    """Places, programs, the gateway; ``environment`` is what programs start with, ``ca_file`` the certificates that
    are trusted where the installation has its own."""

    paths: Paths
    commands: Commands
    gateway: Gateway
    environment: Mapping[str, str]
    ca_file: Path | None
