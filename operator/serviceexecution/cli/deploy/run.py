"""The deployment itself, step by step: pack, upload, apply."""

import tempfile
from pathlib import Path
from typing import Final

from serviceexecution.cli.console import note, progress_bar
from serviceexecution.cli.deploy.apply import apply_definition, set_revision
from serviceexecution.cli.deploy.packing import Wishes, pack
from serviceexecution.cli.deploy.retry_failed import ask_again, new_build_token
from serviceexecution.cli.deploy.upload import is_uploaded, upload
from serviceexecution.cli.pack.archive import Archive
from serviceexecution.cli.project.plan import Plan, RuntimeKind, manifest
from serviceexecution.cli.session import Session
from serviceexecution.cli.sizes import shown_size
from serviceexecution.cli.summaries import ServiceSummary, service_summary
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS

_ENDS: Final = {"Failed": "failed before", "Cancelled": "was cancelled"}


def deploy(session: Session, folder: Path, plan: Plan, wishes: Wishes) -> ServiceSummary:
    """Bring the source up and write the ServiceDefinition; return it as stored. Raises CommandError, ApiError."""
    stored = session.api.get(SERVICE_DEFINITIONS, session.namespace, plan.name)
    before = service_summary(stored) if stored is not None else None
    place = (session.namespace, plan.name)
    with tempfile.TemporaryDirectory(prefix="sx-") as scratch:
        if plan.packs:
            archive = pack(folder, plan, wishes, Path(scratch) / "source.tar.gz")
            digest = archive.digest
        else:
            archive, digest = None, ""
        token = _build_token(before, wishes)
        wanted = manifest(plan, session.namespace, digest=digest, build_token=token)
        # A mistake in sx.yaml is better told before a long upload than after it
        apply_definition(session.api, *place, wanted, force=wishes.force, dry_run=True)
        if archive is not None:
            _bring_up(session, archive)
    applied = service_summary(apply_definition(session.api, *place, wanted, force=wishes.force))
    note(_applied_line(before, applied))
    if applied.pinned and not wishes.keep_revision:
        # After the change, not before it: in between nothing else than what is pinned serves
        unpinned = set_revision(session.api, applied.namespace, applied.name, None)
        applied = service_summary(unpinned) if unpinned is not None else applied
        note(f"It is no longer pinned to {before.pinned if before else 'its revision'}.")
    if has_build(plan):
        applied, failed = ask_again(session, before, applied)
        if failed is not None:
            note(f"{failed.name} of the same source {_ENDS[failed.phase]}; it is built again.")
    return applied


def _build_token(before: ServiceSummary | None, wishes: Wishes) -> str:
    """Return what asks for a build. It stays once it is set: without it the next deployment went back behind it."""
    if wishes.rebuild:
        return new_build_token()
    return before.build_token if before is not None else ""


def _bring_up(session: Session, archive: Archive) -> None:
    if is_uploaded(session.channel, session.namespace, archive.digest):
        note("The gateway has this source already.")
        return
    with progress_bar("Uploading", archive.size) as progress:
        upload(session.channel, session.namespace, archive, progress=progress)
    note(f"Uploaded {shown_size(archive.size)}.")


def _applied_line(before: ServiceSummary | None, applied: ServiceSummary) -> str:
    what = f"Service {applied.name} in namespace {applied.namespace}"
    if before is None:
        return f"{what} created."
    return f"{what} {'unchanged' if before.generation == applied.generation else 'changed'}."


def has_build(plan: Plan) -> bool:
    """Tell whether an image is built."""
    return plan.kind is not RuntimeKind.IMAGE
