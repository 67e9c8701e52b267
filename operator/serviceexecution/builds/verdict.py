"""How an attempt at a build ended: from what its pod reported, and what Kubernetes says of the pod. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Final

from serviceexecution.builds.reasons import BuildReason, reported, reported_reason, sentence
from serviceexecution.resources.meaning import one_line
from serviceexecution.resources.model import OpaqueObject
from serviceexecution.resources.pods.observed import PodView, TerminatedView
from serviceexecution.resources.pods.pod_end import START_ERRORS, UNKNOWN_END
from serviceexecution.store.records import BuildReport

LONGEST_NOTE: Final = 300
"""Characters of what a build that succeeded says of itself."""
LARGEST_SCHEMA: Final = 32 * 1024
"""Bytes of a schema that is kept with its revision: the status holds up to eleven of each kind."""

_DIGEST: Final = re.compile("sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class BuildVerdict:
    """How an attempt ended."""

    reason: BuildReason
    message: str
    step: str | None = None


def judge(report: BuildReport | None, pod: PodView | None, end: TerminatedView | None) -> BuildVerdict:
    """Decide how an attempt ended. A report counts, whatever became of the pod that gave it.

    ``end`` is the end of the build's container, None when it was never seen.
    """
    if report is not None:
        return _by_report(report)
    if pod is not None and pod.status.reason == "Evicted":
        return _verdict(BuildReason.EVICTED, pod.status.message)
    if pod is not None and pod.status.reason == "DeadlineExceeded":
        return _verdict(BuildReason.TIMEOUT)
    if end is not None and end.reason == "OOMKilled":
        return _verdict(BuildReason.OUT_OF_MEMORY, "Raise spec.build.resources.limits.memory.")
    disrupted = pod.condition("DisruptionTarget") if pod is not None else None
    if disrupted is not None and disrupted.status == "True":
        return _verdict(BuildReason.POD_LOST, disrupted.message)
    if end is None or end.reason == UNKNOWN_END:
        return _verdict(BuildReason.POD_LOST, pod.status.message if pod is not None else "")
    if end.reason in START_ERRORS:
        return _verdict(BuildReason.START_FAILED, end.message)
    last = end.message.strip().rpartition("\n")[2]
    detail = f"It ended with exit code {end.exit_code} without saying why."
    return _verdict(BuildReason.BUILDER_FAILED, f"{detail} Its last words: {last}" if last else detail)


def _by_report(report: BuildReport) -> BuildVerdict:
    if report.succeeded:
        if report.image_digest is not None and _DIGEST.fullmatch(report.image_digest):
            return _verdict(BuildReason.SUCCEEDED, one_line(report.message, LONGEST_NOTE))
        return _verdict(BuildReason.BUILDER_FAILED, "It reported success without the digest of an image.")
    reason = reported_reason(report.reason)
    if reason is BuildReason.SUCCEEDED:
        reason = BuildReason.BUILDER_FAILED
    return BuildVerdict(reason, reported(reason, report.message), report.step or None)


def _verdict(reason: BuildReason, detail: str = "") -> BuildVerdict:
    return BuildVerdict(reason, sentence(reason, detail))


def kept_schema(schema: OpaqueObject | None) -> OpaqueObject | None:
    """Return the schema, None when it is too large to stand in a status."""
    if schema is None or len(json.dumps(schema)) > LARGEST_SCHEMA:
        return None
    return schema
