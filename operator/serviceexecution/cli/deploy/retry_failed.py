"""Another try at a source that was not built before.

The operator builds nothing twice by itself; somebody who deploys once more wants it.
"""

import time
from typing import Final
from uuid import uuid4

from serviceexecution.cli.deploy.apply import set_build_token
from serviceexecution.cli.deploy.progress import Progress, Stage, progress_of
from serviceexecution.cli.session import Session
from serviceexecution.cli.summaries import RevisionSummary, ServiceSummary, service_summary

_SETTLE_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.2


def new_build_token() -> str:
    """Return what makes the operator build although nothing has changed."""
    return uuid4().hex


def failed_before(progress: Progress, before: ServiceSummary | None) -> RevisionSummary | None:
    """Return the revision that a deployment asks for if it was there before and had failed already. Pure."""
    revision = progress.revision
    if before is None or revision is None or progress.stage not in {Stage.FAILED, Stage.CANCELLED}:
        return None
    known = before.find(revision.name)
    return revision if known is not None and known.is_over else None


def ask_again(
    session: Session, before: ServiceSummary | None, applied: ServiceSummary
) -> tuple[ServiceSummary, RevisionSummary | None]:
    """Wait until the operator has seen the deployment, and ask for a build where it met an old failure.

    Returns the service as it is stored then, and the revision that had failed. Raises ApiError.
    """
    failed = failed_before(_seen(session, applied), before)
    if failed is None:
        return applied, None
    changed = set_build_token(session.api, applied.namespace, applied.name, new_build_token())
    return (service_summary(changed) if changed is not None else applied), failed


def _seen(session: Session, applied: ServiceSummary) -> Progress:
    end = time.monotonic() + _SETTLE_SECONDS
    while True:
        progress = progress_of(session.service(applied.name), applied=applied, builds=True)
        if progress.stage is not Stage.UNSEEN or time.monotonic() >= end:
            return progress
        time.sleep(_LOOK_SECONDS)
