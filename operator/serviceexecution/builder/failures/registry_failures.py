"""From what a tool says of a push that failed to a reason and one sentence. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.failures.tool_failures import cause, shortened

FULL: Final = re.compile(
    r"[Nn]o space left|ENOSPC|[Ii]nsufficient [Ss]torage|\b507\b|quota (has been )?exceeded|\"Err\":\s*28\b"
)
_LOGIN: Final = re.compile(
    r"unauthorized|\b401\b|authentication required|authorization failed|no basic auth credentials"
)
_DENIED: Final = re.compile(r"denied|\b403\b|Forbidden")
_READ_ONLY: Final = re.compile(r"\b405\b|unsupported|Method [Nn]ot [Aa]llowed|read.only", re.IGNORECASE)
_MISSING: Final = re.compile(r"name unknown|\b404\b|repository .* not found")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]+|/v2/\S*")
_CAUSE: Final = re.compile(
    r"failed to do request: .*|pinging container registry .*|(unexpected status|received unexpected HTTP status).*"
)


def push_error(image: str, lines: Sequence[str], *, answer: str = "") -> BuildError:
    """Return what a failed push means. ``answer`` is what the registry itself said to a trial, where one was made."""
    error = next((line for line in reversed(lines) if line.lower().startswith("error:")), "")
    # Names, digests and ports may look like a status
    text = f"{_DIGEST.sub('', error.replace(image, ''))} {answer}"
    registry = image.partition("/")[0]
    subject = f"The registry {registry}"
    if FULL.search(text):
        return BuildError(
            Reason.REGISTRY_FULL, f"{subject} has no space left for the image: free some space there."
        )
    if _LOGIN.search(text):
        return BuildError(
            Reason.REGISTRY_REFUSED,
            f"{subject} refuses the login, or requires one: check builds.registry.credentialsSecret.",
        )
    if _DENIED.search(text):
        return BuildError(Reason.REGISTRY_REFUSED, f"{subject} does not allow pushing {image}.")
    if _READ_ONLY.search(text):
        return BuildError(Reason.REGISTRY_REFUSED, f"{subject} is read-only: it does not accept {image}.")
    if _MISSING.search(text):
        return BuildError(
            Reason.REGISTRY_REFUSED, f"{subject} has no repository for {image}: create it there first."
        )
    found = _CAUSE.search(error)
    why = cause(found.group(0)) if found else answer or error.rpartition(": ")[2] or "it gives no reason"
    return BuildError(
        Reason.REGISTRY_UNAVAILABLE, f"{subject} cannot be reached or has failed: {shortened(why)}."
    )


def is_unclear(error: BuildError, lines: Sequence[str]) -> bool:
    """Tell whether the registry may say more itself: the tools drop the text of its inner errors."""
    text = " ".join(line for line in lines if line.lower().startswith("error:"))
    odd = re.search(r"\b50[0-9]\b|unknown|invalid content range|range invalid", text)
    return error.reason is Reason.REGISTRY_UNAVAILABLE and odd is not None
