"""How an end is judged and what status says of output and log."""

from datetime import UTC, datetime, timedelta

import pytest

from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.verdict import FILES_IN_STATUS, judge, result_of
from serviceexecution.resources.executions.execution_status import Phase, StopReason
from serviceexecution.store.kept_logs import log_of, lost_part
from serviceexecution.store.records import LogGaps, PoolWrite, SkippedFile, StoredFile
from tests.unit.executions.builders import (
    condition,
    ended,
    file,
    log,
    main_output,
    manifest,
    pod,
    stop_request,
    waiting,
)

KEPT = manifest(file())
DISRUPTED = pod(ended(143), conditions=(condition("DisruptionTarget", message="Node is shutting down."),))


def judged(main=None, *, seen=None, stop=None, kept=KEPT, lines=log(), output=None):  # noqa: B008 - frozen
    end = main.terminated if main is not None else None
    return judge(stop=stop, pod=seen, end=end, manifest=kept, log=lines, output=output)


@pytest.mark.parametrize(
    ("main", "seen", "phase", "reason"),
    [
        (ended(0), None, Phase.SUCCEEDED, Reason.SUCCEEDED),
        (ended(1), None, Phase.FAILED, Reason.PROGRAM_FAILED),
        (ended(137, reason="OOMKilled"), None, Phase.FAILED, Reason.OUT_OF_MEMORY),
        (ended(0, reason="OOMKilled"), None, Phase.SUCCEEDED, Reason.SUCCEEDED),
        (ended(128, reason="StartError", message="exec: no"), None, Phase.FAILED, Reason.START_FAILED),
        (
            ended(128, reason="StartError", message="exec /a: argument list too long"),
            None,
            Phase.FAILED,
            Reason.ENVIRONMENT_TOO_LARGE,
        ),
        (
            ended(1, message="exec /bin/sh: argument list too long\n"),
            None,
            Phase.FAILED,
            Reason.ENVIRONMENT_TOO_LARGE,
        ),
        (ended(255, message="exec /app: exec format error"), None, Phase.FAILED, Reason.START_FAILED),
        (ended(1, message="log\nexec /app: exec format error"), None, Phase.FAILED, Reason.PROGRAM_FAILED),
        (ended(143), DISRUPTED, Phase.FAILED, Reason.POD_LOST),
        (ended(0), DISRUPTED, Phase.SUCCEEDED, Reason.SUCCEEDED),
        (None, None, Phase.FAILED, Reason.POD_LOST),
        (None, DISRUPTED, Phase.FAILED, Reason.POD_LOST),
        (ended(137, reason="ContainerStatusUnknown"), None, Phase.FAILED, Reason.POD_LOST),
        (ended(137), pod(phase="Failed", reason="Evicted"), Phase.FAILED, Reason.EVICTED),
        (ended(137), pod(phase="Failed", reason="DeadlineExceeded"), Phase.FAILED, Reason.TIMEOUT),
    ],
)
def test_the_end_of_main_and_of_its_pod(main, seen, phase, reason):
    verdict = judged(main, seen=seen)
    assert (verdict.phase, verdict.reason) == (phase, reason)


@pytest.mark.parametrize(("code", "reason"), [(0, Reason.DATA_POOL_NOT_WRITTEN), (1, Reason.PROGRAM_FAILED)])
def test_changes_of_a_data_pool_that_could_not_be_kept_fail_a_program_that_succeeded(code, reason):
    lost = PoolWrite(property="numbers", reason="Conflict", message="Another writer.")
    verdict = judged(ended(code), kept=KEPT.model_copy(update={"data_pools": (lost,)}))
    assert (verdict.phase, verdict.reason) == (Phase.FAILED, reason)
    assert ('"numbers": Conflict. Another writer.' in verdict.message) == (code == 0)
    written = lost.model_copy(update={"reason": "Written"})
    assert judged(ended(0), kept=KEPT.model_copy(update={"data_pools": (written,)})).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("main", [None, ended(0), ended(1), ended(137, reason="OOMKilled")])
@pytest.mark.parametrize("kept", [None, KEPT])
def test_what_was_asked_for_comes_first(main, kept):
    assert judged(main, stop=stop_request(), kept=kept).phase is Phase.CANCELLED
    assert judged(main, stop=stop_request(StopReason.TIMEOUT), kept=kept).reason is Reason.TIMEOUT


class TestSuccessNeedsWhatWasKept:
    def test_no_manifest_is_no_success(self):
        assert judged(ended(0), kept=None).reason is Reason.RESULT_MISSING
        assert judged(ended(0), kept=None, output=main_output(from_log=True)).phase is Phase.FAILED

    @pytest.mark.parametrize(
        ("collector", "words"),
        [
            (
                waiting("ImagePullBackOff", "no such image"),
                "The collector could not be started: no such image",
            ),
            (ended(137, reason="OOMKilled"), "The collector ended with exit code 137, OOMKilled."),
            (ended(1), "The collector ended with exit code 1."),
            (ended(0), ""),
            (waiting(), ""),
        ],
    )
    def test_a_missing_result_says_what_became_of_the_collector(self, collector, words):
        message = judged(ended(0), seen=pod(ended(0), collector), kept=None).message
        said = "The program ended but its output could not be collected in time."
        assert message == f"{said} {words}".rstrip()

    def test_an_empty_output_is_one(self):
        assert judged(ended(0), kept=manifest()).phase is Phase.SUCCEEDED

    def test_more_output_than_the_limit_is_no_success(self):
        kept = manifest(
            file(), skipped=(SkippedFile(path="big", reason="over the limit"),), limit_exceeded=True
        )
        verdict = judged(ended(0), kept=kept)
        assert (verdict.phase, verdict.reason) == (Phase.FAILED, Reason.OUTPUT_LIMIT_EXCEEDED)
        assert verdict.message.endswith("Not kept: big: over the limit.")

    def test_skipped_files_alone_are_no_failure(self):
        kept = manifest(file(), skipped=(SkippedFile(path="pipe", reason="is a pipe"),))
        assert judged(ended(0), kept=kept).phase is Phase.SUCCEEDED

    @pytest.mark.parametrize(
        "reason", ["symbolic links are not followed", "it cannot be read: Permission denied", "a named pipe"]
    )
    @pytest.mark.parametrize("printed", [None, main_output("2", from_log=True)])
    def test_a_main_result_that_was_written_and_not_kept_is_no_success(self, reason, printed):
        kept = manifest(file("other"), skipped=(SkippedFile(path="output.json", reason=reason),))
        verdict = judged(ended(0), kept=kept, output=printed)
        assert (verdict.phase, verdict.reason) == (Phase.FAILED, Reason.RESULT_NOT_KEPT)
        assert verdict.message == (
            "The program wrote its main result, but it could not be kept. "
            f"output.json: {reason}. Write it as a regular file that every user may read."
        )

    def test_an_output_directory_that_nobody_else_may_read_is_no_success(self):
        """A program that runs as root may have closed it: whether there is a main result is not known."""
        why = "the output directory: it cannot be read: Permission denied"
        kept = manifest(skipped=(SkippedFile(path="", reason=why),))
        verdict = judged(ended(0), kept=kept)
        assert (verdict.phase, verdict.reason) == (Phase.FAILED, Reason.RESULT_NOT_KEPT)
        assert verdict.message.endswith(
            f"Nothing of the output was kept: {why}. Leave the directory readable for every user."
        )
        assert judged(ended(3), kept=kept).reason is Reason.PROGRAM_FAILED

    def test_a_pod_that_is_evicted_once_its_output_is_kept_has_succeeded(self):
        """What a large output takes of a node's disk may be why: the program has ended well, and is not run again."""
        evicted = pod(ended(0), ended(137), phase="Failed", reason="Evicted", message="low on disk")
        assert judged(ended(0), seen=evicted).phase is Phase.SUCCEEDED
        assert judged(ended(0), seen=evicted, kept=None).reason is Reason.EVICTED
        assert judged(ended(3), seen=evicted).reason is Reason.EVICTED

    def test_a_program_s_own_failure_comes_before_it(self):
        kept = manifest(skipped=(SkippedFile(path="output.json", reason="symbolic links are not followed"),))
        assert judged(ended(3), kept=kept).reason is Reason.PROGRAM_FAILED

    @pytest.mark.parametrize("text", ["{'sum': 6}", '{"sum": NaN}', "", None])
    def test_a_success_says_why_its_main_result_is_no_json(self, text):
        verdict = judged(ended(0), output=main_output(text))
        assert verdict.reason is Reason.SUCCEEDED
        assert verdict.message.startswith(
            "The program ended with exit code 0. output.json is kept as it is, but is "
        )

    def test_a_main_result_too_long_for_status_is_not_looked_at(self):
        verdict = judged(ended(0), kept=manifest(file(size=10**6)), output=main_output(None))
        assert verdict.message == "The program ended with exit code 0."

    def test_a_success_says_why_there_is_no_printed_result(self):
        lines = log(stdout_problem="What follows PlanQK:Job:Result: is not a valid JSON object.")
        verdict = judged(ended(0), kept=manifest(), lines=lines)
        assert verdict.message == f"The program ended with exit code 0. {lines.stdout_problem}"
        result = result_of(manifest(), None, lines)
        assert result is not None
        assert result.message == lines.stdout_problem

    def test_a_written_result_is_not_asked_for_a_printed_one(self):
        verdict = judged(ended(0), lines=log(stdout_problem="broken"), output=main_output())
        assert verdict.message == "The program ended with exit code 0."

    @pytest.mark.parametrize("lines", [None, log(complete=False)])
    def test_a_lost_log_is_said(self, lines):
        verdict = judged(ended(0), lines=lines)
        assert (verdict.phase, verdict.reason) == (Phase.SUCCEEDED, Reason.LOG_MISSING)

    def test_a_log_cut_at_its_limit_is_complete(self):
        assert judged(ended(0), lines=log(truncated=True)).reason is Reason.SUCCEEDED


class TestAPodThatIsDeletedWhileItsProgramRuns:
    """With kubectl delete pod, which sets no condition DisruptionTarget."""

    @pytest.mark.parametrize(("code", "signal"), [(143, "SIGTERM"), (137, "SIGKILL")])
    def test_it_is_lost_and_has_not_failed_by_itself(self, code, signal):
        verdict = judged(ended(code), seen=pod(ended(code), ended(0), going=True))
        assert verdict.reason is Reason.POD_LOST
        assert verdict.message.endswith(
            f"The pod was being deleted. It was ended by {signal} (exit code {code})."
        )

    def test_an_exit_code_of_its_own_stands(self):
        assert judged(ended(3), seen=pod(ended(3), going=True)).reason is Reason.PROGRAM_FAILED
        assert judged(ended(0), seen=pod(ended(0), going=True)).phase is Phase.SUCCEEDED

    def test_memory_comes_first(self):
        seen = pod(ended(137, reason="OOMKilled"), going=True)
        assert judged(ended(137, reason="OOMKilled"), seen=seen).reason is Reason.OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("main", "text"),
    [
        (ended(3), "The program failed. Its exit code is 3."),
        (
            ended(137),
            "The program failed. It was killed by SIGKILL (exit code 137), mostly a sign of too little memory.",
        ),
        (ended(139), "The program failed. It was ended by SIGSEGV (exit code 139)."),
        (ended(255), "The program failed. Its exit code is 255."),
    ],
)
def test_a_failure_says_its_exit_code(main, text):
    assert judged(main).message == text


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (
            '{"title": "Bad values", "detail": "values is empty", "status": 500}',
            "Bad values: values is empty",
        ),
        ('{"detail": "only this"}', "only this"),
        ('{"title": "Two\\nlines", "detail": "' + "x" * 2000 + '"}', "Two lines: " + "x" * 589),
        ('{"title": "Done", "status": 200}', None),
        ('{"title": "Done", "status": "ok"}', None),
        ('{"title": 1}', None),
        ("[1]", None),
        ("NaN{", None),
        ("[" * 100_000, None),
        (None, None),
    ],
)
def test_a_problem_left_as_main_result_is_told(output, text):
    message = judged(ended(1), output=main_output(output)).message
    assert message == "The program failed. Its exit code is 1." + (f" {text}" if text else "")


class TestResult:
    def test_names_of_skipped_files_are_said_in_one_line(self):
        result = result_of(manifest(skipped=(SkippedFile(path="a\nb\x1b[31m", reason="a named pipe"),)), None)
        assert result is not None
        assert result.message == "Not kept: a b\N{REPLACEMENT CHARACTER}[31m: a named pipe."

    def test_nothing_kept_is_no_result(self):
        assert result_of(None, None) is None

    def test_no_files_is_an_empty_one(self):
        result = result_of(manifest(), None)
        assert result is not None
        assert (result.file_count, result.files, result.output, result.source) == (0, (), None, None)

    def test_files_are_sorted_and_bounded_and_counted(self):
        names = [f"{number:03}.txt" for number in range(FILES_IN_STATUS + 10)]
        files: list[StoredFile] = [file(name, size=2) for name in reversed(names)]
        result = result_of(manifest(*files), None)
        assert result is not None
        assert [one.name for one in result.files] == names[:FILES_IN_STATUS]
        assert (result.file_count, result.total_bytes) == (len(names), 2 * len(names))

    @pytest.mark.parametrize(("from_log", "source"), [(True, "Log"), (False, "File")])
    def test_the_main_result_says_where_it_came_from(self, from_log, source):
        result = result_of(manifest(), main_output("1.0", from_log=from_log))
        assert result is not None
        assert (result.output, result.source) == ("1.0", source)

    def test_a_main_result_too_long_for_status_is_still_named(self):
        result = result_of(manifest(file(size=10**9)), main_output(None))
        assert result is not None
        assert (result.output, result.source) == (None, "File")

    def test_skipped_files_are_named_and_bounded(self):
        skipped = tuple(SkippedFile(path=f"{number}", reason="odd") for number in range(7))
        result = result_of(manifest(skipped=skipped), None)
        assert result is not None
        assert result.skipped_count == 7
        assert result.message == ("Not kept: 0: odd; 1: odd; 2: odd; 3: odd; 4: odd; and 2 more.")


@pytest.mark.parametrize(
    ("record", "truncated"),
    [(log(), False), (log(truncated=True), True), (log(complete=False), True)],
)
def test_a_log_without_its_end_is_truncated(record, truncated):
    kept = log_of(record)
    assert kept is not None
    assert (kept.bytes, kept.lines, kept.truncated) == (120, 3, truncated)
    assert log_of(None) is None


def test_a_log_with_gaps_says_how_many_and_when_and_how_long():
    first = datetime(2026, 11, 23, 15, 0, 1, tzinfo=UTC)
    gaps = LogGaps(count=2, seconds=12.4, first_after=first, first_before=first + timedelta(seconds=10))
    record = log(complete=False).model_copy(update={"gaps": gaps})
    kept = log_of(record)
    assert kept is not None
    assert (kept.gaps, kept.gap_seconds) == (2, 13)
    assert lost_part(record) == (
        "Lines may be missing at 2 places, the first after 2026-11-23T15:00:01Z, which last 13 s in all: the node "
        "rotated the log's file away, or set its clock back, before it was read. The log says so for each place."
    )
    assert lost_part(log(complete=False)) == "Its end could not be read."
