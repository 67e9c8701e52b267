"""What a deployment ends with. Pure but for looking whether the project has an example of its input."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from serviceexecution.cli.deploy.progress import Progress, Stage
from serviceexecution.contract.json_types import JsonObject

EXAMPLE_INPUT: Final = "input.json"


def deployment_document(progress: Progress, url: str) -> JsonObject:
    """Return the end of a deployment as ``--output json`` has it."""
    service, revision = progress.service, progress.revision
    return {
        "name": service.name,
        "namespace": service.namespace,
        "state": progress.stage.name.lower(),
        "revision": revision.name if revision is not None else None,
        "serving": service.serving or None,
        "image": (revision.image if revision is not None else service.image) or None,
        "sourceDigest": (revision.source_digest or None) if revision is not None else None,
        "commit": (revision.commit or None) if revision is not None else None,
        "reason": (revision.reason or None) if revision is not None else None,
        "message": progress.message or None,
        "url": url,
    }


def failure_sentence(progress: Progress) -> str:
    """Return why there is nothing new that serves, and what serves instead."""
    service, revision = progress.service, progress.revision
    if progress.stage is Stage.CANCELLED and revision is None:
        return progress.message
    name = revision.name if revision is not None else service.name
    what = "failed" if progress.stage is Stage.FAILED else _ended(progress)
    why = f": {progress.message}" if progress.message and progress.stage is Stage.FAILED else "."
    still = f" {service.serving} keeps serving." if service.serving and service.serving != name else ""
    return f"{name} {what}{why}{still}"


def success_lines(progress: Progress, url: str, *, flags: str, folder: Path) -> list[str]:
    """Return what serves, where, and how to call it; ``flags`` lead to its namespace."""
    service, revision = progress.service, progress.revision
    if progress.stage is Stage.BUILT and revision is not None:
        back = f"sx rollback {service.name} --latest{flags}"
        return [f"{revision.name} is built; {service.pinned} keeps serving. Serve the newest with: {back}"]
    example = folder / EXAMPLE_INPUT
    data = f"@{example}" if example.is_file() else "'{…}'"
    serves = f"serves {revision.name}" if revision is not None else "is ready"
    inside = " (inside the cluster)" if (urlsplit(url).hostname or "").endswith(".svc") else ""
    return [f"{service.name} {serves}: {url}{inside}", f"Run it with: sx run {service.name}{flags} -d {data}"]


def _ended(progress: Progress) -> str:
    phase = progress.revision.phase if progress.revision is not None else ""
    return "was replaced by a newer one" if phase == "Superseded" else "was cancelled"
