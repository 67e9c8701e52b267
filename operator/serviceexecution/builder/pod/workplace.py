"""What a build has around it in its pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serviceexecution.builder.pod.commands import Commands
from serviceexecution.builder.pod.gateway import Gateway
from serviceexecution.builder.pod.paths import Paths


@dataclass(frozen=True, slots=True)
class Workplace:
    """Places, programs, the gateway; ``environment`` is what programs start with, ``ca_file`` the certificates that
    are trusted where the installation has its own."""

    paths: Paths
    commands: Commands
    gateway: Gateway
    environment: Mapping[str, str]
    ca_file: Path | None
