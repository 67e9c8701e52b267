"""Brings the source into the pod: from the gateway or from Git, unpacked, measured, checked."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.pod.output import size_text
from serviceexecution.builder.pod.workplace import Workplace
from serviceexecution.builder.request import ArchiveSource, BuildRequest
from serviceexecution.builder.source.git import clone
from serviceexecution.builder.source.tree import TreeLimits
from serviceexecution.builder.source.unpack import unpack


@dataclass(frozen=True, slots=True)
class Source:
    """The source in the pod. ``project`` is the folder that is built; ``digest`` is "sha256:…" or empty."""

    project: Path
    digest: str
    commit: str


def fetch_source(request: BuildRequest, workplace: Workplace) -> Source:
    """Fetch and unpack; raises BuildError."""
    root = workplace.paths.made("source")
    output = workplace.commands.output
    limits = TreeLimits(request.limits.context_bytes, request.limits.context_files)
    digest = commit = ""
    if isinstance(request.source, ArchiveSource):
        digest = f"sha256:{request.source.digest}"
        output.phase("source", f"fetching the archive {digest}")
        archive = workplace.paths.work / "archive"
        size = workplace.gateway.fetch_source(archive, request.source.digest, request.limits.archive_bytes)
        tree = unpack(archive, root, limits)
        archive.unlink()
        total = size_text(tree.total_bytes)
        output.phase("source", f"{tree.files} files, {total} (packed {size_text(size)})")
    else:
        output.phase("source", f"fetching {request.source.ref} from the repository")
        checkout = clone(request.source, root, limits, workplace)
        # The key, and objects that nobody needs.
        shutil.rmtree(workplace.paths.work / "git", ignore_errors=True)
        commit = checkout.commit
        output.phase("source", f"commit {commit}, {checkout.files} files, {size_text(checkout.total_bytes)}")
    return Source(project_directory(root, request.sub_path), digest, commit)


def project_directory(root: Path, sub_path: str) -> Path:
    """Return the folder of the source that holds the project; raises BuildError when it is none."""
    real, path = os.path.realpath(root), os.path.realpath(root / sub_path)
    inside = path == real or path.startswith(real + os.sep)
    if not inside or not os.path.isdir(path):  # noqa: PTH112 - a path that is resolved already
        raise BuildError(
            Reason.SOURCE_INVALID, f"The source has no folder {sub_path!r}, which spec.source.subPath names."
        )
    return Path(path)
