"""Brings the source into the pod: from the gateway or from Git, unpacked, measured, checked."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError, Reason
from .git import clone
from .output import size_text
from .pod import Pod
from .request import ArchiveSource, BuildRequest
from .tree import TreeLimits
from .unpack import unpack


@dataclass(frozen=True, slots=True)
class Source:
    """The source in the pod. ``project`` is the folder that is built; ``digest`` is "sha256:…" or empty."""

    project: Path
    digest: str
    commit: str


def fetch_source(request: BuildRequest, pod: Pod) -> Source:
    """Fetch and unpack; raises BuildError."""
    root = pod.paths.made("source")
    output = pod.commands.output
    limits = TreeLimits(request.limits.context_bytes, request.limits.context_files)
    digest = commit = ""
    if isinstance(request.source, ArchiveSource):
        digest = f"sha256:{request.source.digest}"
        output.phase("source", f"fetching the archive {digest}")
        archive = pod.paths.work / "archive"
        size = pod.gateway.fetch_source(archive, request.source.digest, request.limits.archive_bytes)
        tree = unpack(archive, root, limits)
        archive.unlink()
        total = size_text(tree.total_bytes)
        output.phase("source", f"{tree.files} files, {total} (packed {size_text(size)})")
    else:
        output.phase("source", f"fetching {request.source.ref} from the repository")
        checkout = clone(request.source, root, limits, pod)
        shutil.rmtree(pod.paths.work / "git", ignore_errors=True)  # the key, and objects that nobody needs
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
