"""Packs a project for a deployment and says what goes along."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serviceexecution.cli.console import note, progress_bar
from serviceexecution.cli.pack.archive import ARCHIVE_LIMIT, Archive, write_archive
from serviceexecution.cli.pack.select import Selection, folders, select
from serviceexecution.cli.project.plan import Plan, manifest
from serviceexecution.cli.project.project_file import PROJECT_FILE
from serviceexecution.cli.sizes import shown_size
from serviceexecution.contract.json_types import JsonObject

_LISTED: Final = 15


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the options of a deployment say."""

    use_git_ignore: bool = True
    keep_revision: bool = False
    rebuild: bool = False
    force: bool = False
    limit: int = ARCHIVE_LIMIT


def pack(folder: Path, plan: Plan, wishes: Wishes, target: Path) -> Archive:
    """Pack the folder into ``target`` and say what goes along; raises CommandError."""
    selection = select(
        folder,
        dockerfile=plan.dockerfile,
        use_git_ignore=wishes.use_git_ignore,
        never=frozenset({PROJECT_FILE}),  # A change of it alone makes no other source
    )
    with progress_bar("Packing", selection.total_bytes) as progress:
        archive = write_archive(folder, selection.files, target, limit=wishes.limit, progress=progress)
    for line in packed_lines(selection, archive):
        note(line)
    return archive


def packed_lines(selection: Selection, archive: Archive) -> list[str]:
    """Return what to say of a packed project. Pure."""
    found = list(folders(selection.files))
    width = max((len(name) for name, _, _ in found[:_LISTED]), default=0)
    lines = [
        f"  {name.ljust(width)}  {f'{count} files, ' if name.endswith('/') else ''}{shown_size(size)}"
        for name, count, size in found[:_LISTED]
    ]
    if len(found) > _LISTED:
        lines.append(f"  and {len(found) - _LISTED} more")
    left_out = f"; left out: {_enumerated(selection.left_out)}" if selection.left_out else ""
    count = len(selection.files)
    files = f"{count} file{'s' if count != 1 else ''}, {shown_size(selection.total_bytes)}"
    return [
        *lines,
        f"{files}, packed {shown_size(archive.size)}, sha256:{archive.digest[:12]}{left_out}",
    ]


def preview(folder: Path, plan: Plan, wishes: Wishes, namespace: str) -> JsonObject:
    """Return the ServiceDefinition that a deployment would write, and say what would be packed."""
    if not plan.packs:
        return manifest(plan, namespace)
    with tempfile.TemporaryDirectory(prefix="sx-") as scratch:
        archive = pack(folder, plan, wishes, Path(scratch) / "source.tar.gz")
    return manifest(plan, namespace, digest=archive.digest)


def _enumerated(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
