"""How a run ended: from what was asked, what the pod says and what was kept, to the final phase and reason."""

import math
import re
import signal
from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.main_result import main_result_fault
from serviceexecution.contract.paths import MAIN_RESULT_FILE
from serviceexecution.executions.left_problem import problem_words
from serviceexecution.executions.pools.written import unwritten_sentence
from serviceexecution.executions.reasons import Reason, sentence
from serviceexecution.executions.unstarted import unstarted_end
from serviceexecution.resources.executions.execution_status import (
    Phase,
    Result,
    ResultFile,
    StopReason,
    StopRequest,
)
from serviceexecution.resources.meaning import one_line
from serviceexecution.resources.pods.observed import PodView, TerminatedView
from serviceexecution.resources.pods.pod_end import START_ERRORS, UNKNOWN_END
from serviceexecution.resources.pods.pod_start import ON_ITS_WAY
from serviceexecution.store.kept_logs import lost_part
from serviceexecution.store.records import LogRecord, OutputManifest

MAIN_OUTPUT_LIMIT: Final = 8192
"""Most bytes of the main result that status holds as text."""

FILES_IN_STATUS: Final = 50

_WHOLE_DIRECTORY: Final = ""
"""Path of what was skipped when the output directory itself could not be read."""

_EXEC_REFUSED: Final = re.compile(
    r"exec /[^\n]*: (argument list too long|exec format error|no such file or directory|permission denied)"
)
"""All that a container says whose start fails in runc's very last step: it then counts as started and ended."""

_SIGNALS: Final = {int(number): number.name for number in signal.Signals}
_FORCED_EXIT: Final = 128 + signal.SIGKILL
_STOPPED_EXITS: Final = frozenset({_FORCED_EXIT, 128 + signal.SIGTERM})
"""Exit codes of a program that was told to end."""


@dataclass(frozen=True, slots=True)
class MainOutput:
    """The main result's text, if short enough for status, and where it came from."""

    text: str | None
    from_log: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The final phase, its reason, and one sentence."""

    phase: Phase
    reason: Reason
    message: str


def judge(
    *,
    stop: StopRequest | None,
    pod: PodView | None,
    end: TerminatedView | None,
    manifest: OutputManifest | None,
    log: LogRecord | None,
    output: MainOutput | None,
    output_problem: str | None = None,
    output_fault: str | None = None,
    left_problem: str | None = None,
    started: bool = True,
    timeout: float | None = None,
) -> Verdict:
    """Decide how a run ended.

    ``end`` is main's end, None when it was never seen; ``output_problem`` is why the main result does not fit the
    service's schema; ``output_fault`` why one that is too long for status is no JSON; ``left_problem`` the text of a
    problem that stands elsewhere than in ``output``; ``started`` is False when main was never seen to be a process;
    ``timeout`` is the run's, in seconds.
    """
    done = manifest is not None and end is not None and end.exit_code == 0
    if (interrupted := _interrupted(stop, pod, end, started=started, timeout=timeout, done=done)) is not None:
        return interrupted
    disrupted = pod.condition("DisruptionTarget") if pod is not None else None
    if end is not None and end.reason == "OOMKilled" and end.exit_code != 0:
        # With 0 only a child process was killed, and the program went on without it.
        return _failed(Reason.OUT_OF_MEMORY, _memory_needed(pod))
    if disrupted is not None and disrupted.status == "True" and (end is None or end.exit_code != 0):
        return _failed(Reason.POD_LOST, disrupted.message)
    if pod is not None and pod.is_going and end is not None and end.exit_code in _STOPPED_EXITS:
        return _failed(Reason.POD_LOST, f"The pod was being deleted. {_exit(end)}")
    if end is None or end.reason == UNKNOWN_END:
        return _failed(Reason.POD_LOST, pod.status.message if pod is not None else "")
    if end.exit_code != 0:
        return _program_failed(end, output, left_problem)
    if manifest is None:
        return _failed(Reason.RESULT_MISSING, _collector_fault(pod))
    if manifest.limit_exceeded:
        return _failed(Reason.OUTPUT_LIMIT_EXCEEDED, _skipped(manifest) or "")
    if (lost := main_result_not_kept(manifest)) is not None:
        return _failed(Reason.RESULT_NOT_KEPT, lost)
    if output_problem is not None:
        return _failed(Reason.OUTPUT_INVALID, output_problem)
    if (unwritten := unwritten_sentence(manifest.data_pools)) is not None:
        return _failed(Reason.DATA_POOL_NOT_WRITTEN, unwritten)
    fault = _result_fault(manifest, output, log, output_fault) or ""
    if log is None or not log.complete:
        detail = f"{lost_part(log)} {fault}".rstrip()
        return Verdict(Phase.SUCCEEDED, Reason.LOG_MISSING, sentence(Reason.LOG_MISSING, detail))
    return Verdict(Phase.SUCCEEDED, Reason.SUCCEEDED, sentence(Reason.SUCCEEDED, fault))


def _interrupted(
    stop: StopRequest | None,
    pod: PodView | None,
    end: TerminatedView | None,
    *,
    started: bool,
    timeout: float | None,
    done: bool,
) -> Verdict | None:
    """Return the verdict when main's exit code says nothing of how the run ended.

    A node may evict a pod for its disk whose program has ended well, and whose output is kept: it is ``done``.
    """
    in_time = _ended_in_time(end, timeout)
    if stop is not None and stop.reason is StopReason.CANCELLED:
        return Verdict(Phase.CANCELLED, Reason.CANCELLED, sentence(Reason.CANCELLED))
    if stop is not None and stop.reason is StopReason.PREEMPTED:
        return _failed(
            Reason.PREEMPTED, "A program is not run again by itself: submit it again if it may be."
        )
    if stop is not None and not in_time:
        return _failed(Reason.TIMEOUT)
    if not started and (unstarted := unstarted_end(pod, end)) is not None:
        return _failed(*unstarted)
    if pod is not None and pod.status.reason == "Evicted" and not done:
        return _failed(Reason.EVICTED, pod.status.message)
    if pod is not None and pod.status.reason == "DeadlineExceeded" and not in_time:
        return _failed(Reason.TIMEOUT)
    return None


def _memory_needed(pod: PodView | None) -> str:
    """Return how much memory was not enough, and what to set."""
    if pod is None:
        return ""
    limit = pod.spec.memory_limit
    if limit is None:
        return (
            "It had no limit, and the node had no memory left: set spec.resources.requests.memory and limits.memory "
            "to what it needs."
        )
    return f"It had reached its limit of {limit}: raise spec.resources.limits.memory, or set spec.retry.onOutOfMemory."


def _ended_in_time(end: TerminatedView | None, timeout: float | None) -> bool:
    """Tell whether main ended by itself before its timeout, by the clock of its node: both stamps are the node's.

    They are cut to seconds, which never makes a run look shorter than a whole number of seconds that it lasted.
    """
    if end is None or timeout is None or end.started_at is None or end.finished_at is None:
        return False
    if end.exit_code in _STOPPED_EXITS:
        return False
    return (end.finished_at - end.started_at).total_seconds() < math.floor(timeout)


def _failed(reason: Reason, detail: str = "") -> Verdict:
    return Verdict(Phase.FAILED, reason, sentence(reason, detail))


def _program_failed(end: TerminatedView, output: MainOutput | None, left_problem: str | None) -> Verdict:
    if end.reason in START_ERRORS or _EXEC_REFUSED.fullmatch(end.message.strip()):
        if "argument list too long" in end.message:
            return _failed(Reason.ENVIRONMENT_TOO_LARGE)
        return _failed(Reason.START_FAILED, end.message)
    detail = _exit(end)
    if end.exit_code == _FORCED_EXIT:
        detail = "It was killed by SIGKILL (exit code 137), mostly a sign of too little memory."
    own = None if output is None else output.text
    if (problem := problem_words(own) or problem_words(left_problem)) is not None:
        detail = f"{detail} {problem}"
    return _failed(Reason.PROGRAM_FAILED, detail)


def _exit(end: TerminatedView) -> str:
    """Return how main ended, in a sentence."""
    name = _SIGNALS.get(end.signal or end.exit_code - 128)
    if name is None:
        return f"Its exit code is {end.exit_code}."
    return f"It was ended by {name} (exit code {end.exit_code})."


def _collector_fault(pod: PodView | None) -> str:
    """Return what the pod says of a collector that did not do its work; empty when it says nothing."""
    if pod is None:
        return ""
    waiting, end = pod.collector.waiting, pod.collector.terminated
    if waiting is not None and waiting.reason not in ON_ITS_WAY:
        return f"The collector could not be started: {waiting.message or waiting.reason}"
    if end is not None and end.exit_code != 0:
        why = f", {end.reason}" if end.reason not in {"", "Error"} else ""
        return f"The collector ended with exit code {end.exit_code}{why}."
    return ""


def main_result_not_kept(manifest: OutputManifest) -> str | None:
    """Return why the main result that the program wrote is not in the store; None when it is, or when it wrote none.

    Whether it wrote one is not known when nothing of its output could be looked at: that is no success either.
    """
    if has_main_result(manifest):
        return None
    for file in manifest.skipped:
        if file.path == MAIN_RESULT_FILE:
            return f"{MAIN_RESULT_FILE}: {file.reason}. Write it as a regular file that every user may read."
        if file.path == _WHOLE_DIRECTORY:
            return (
                f"Nothing of the output was kept: {file.reason}. Leave the directory readable for every user."
            )
    return None


def _result_fault(
    manifest: OutputManifest | None,
    output: MainOutput | None,
    log: LogRecord | None,
    output_fault: str | None,
) -> str | None:
    """Return why the main result, written or printed, has no members."""
    file = next((one for one in manifest.files if one.path == MAIN_RESULT_FILE), None) if manifest else None
    if file is None:
        return log.stdout_problem if log is not None and output is None else None
    if output is None or file.size > MAIN_OUTPUT_LIMIT:
        return output_fault
    return main_result_fault(output.text)


def _skipped(manifest: OutputManifest) -> str | None:
    if not manifest.skipped:
        return None
    first = "; ".join(
        f"{file.path}: {file.reason}" if file.path else file.reason for file in manifest.skipped[:5]
    )
    more = len(manifest.skipped) - 5
    return f"Not kept: {first}" + (f"; and {more} more." if more > 0 else ".")


def result_of(
    manifest: OutputManifest | None,
    output: MainOutput | None,
    log: LogRecord | None = None,
    output_fault: str | None = None,
) -> Result | None:
    """Return what status says of the output; for ``output_fault`` see ``judge``."""
    words = (
        _skipped(manifest) if manifest is not None else None,
        _result_fault(manifest, output, log, output_fault),
    )
    if manifest is None and output is None:
        return None
    files = sorted(manifest.files, key=lambda file: file.path) if manifest is not None else []
    source = None
    if output is not None:
        source = "Log" if output.from_log else "File"
    return Result(
        output=output.text if output is not None else None,
        source=source,
        files=tuple(
            ResultFile(name=file.path, size=file.size, sha256=file.sha256, media_type=file.media_type)
            for file in files[:FILES_IN_STATUS]
        ),
        file_count=len(files),
        total_bytes=manifest.total_bytes if manifest is not None else 0,
        skipped_count=len(manifest.skipped) if manifest is not None else 0,
        message=one_line(" ".join(word for word in words if word)) or None,
        digest=manifest.digest if manifest is not None else None,
    )


def has_main_result(manifest: OutputManifest) -> bool:
    """Tell whether the program wrote its main result as a file, which then wins over what it printed."""
    return any(file.path == MAIN_RESULT_FILE for file in manifest.files)
