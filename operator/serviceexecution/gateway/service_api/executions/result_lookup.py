"""Finds an ended execution's output in the store: the file list, the main result, single files."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from serviceexecution.contract.main_result import main_result_text
from serviceexecution.contract.paths import MAIN_RESULT_FILE, PROBLEM_FILE
from serviceexecution.gateway.http.answers.file_response import OpenedFile, Opener, ServedFile
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.service_api.documents.result_document import INLINE_LIMIT
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.outputs import CommittedFile, CommittedOutput, CommittedOutputs, pieces
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.store.store import ResultStore

_JSON: Final = "application/json"
_PROBLEM_LIMIT: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Output:
    """What is kept of an execution's output: the manifest, and what the program printed as its main result."""

    execution: KnownExecution
    committed: CommittedOutput | None
    printed: bytes | None
    """Only when there is no file output.json."""
    printing_problem: str | None = None
    """Why there is no main result although the program tried to print one."""

    @property
    def number_of_files(self) -> int:
        """Return how many files there are, the printed result among them."""
        return (0 if self.committed is None else len(self.committed.files)) + (self.printed is not None)

    @property
    def main_size(self) -> int:
        """Return the bytes of the main result, 0 without one."""
        if self.printed is not None:
            return len(self.printed)
        file = self.file(MAIN_RESULT_FILE)
        return 0 if file is None else file.size

    def file(self, path: str) -> CommittedFile | None:
        """Return an output file."""
        return None if self.committed is None else self.committed.files.get(path)

    def paths(self) -> Iterator[list[str]]:
        """Give the paths of all files in pieces, the printed result as the file that it stands for."""
        if self.printed is not None:
            yield [MAIN_RESULT_FILE]
        if self.committed is not None:
            for piece in pieces(self.committed):
                yield [path for path, _ in piece]


async def find_output(store: ResultStore, outputs: CommittedOutputs, execution: KnownExecution) -> Output:
    """Return what is kept of an ended execution; raises Problem 410 when its time is over, 503, StoreError."""
    await refuse_expired(store, execution)
    reference, last = execution.reference, execution.attempts or 1
    committed = await outputs.read(reference, final=True)
    if committed is not None and committed.attempt != last:
        committed = None  # What an earlier attempt left is not the result
    printed, problem = None, None
    if committed is None or MAIN_RESULT_FILE not in committed.files:
        record = await store.logs.read_record(reference)
        if record is not None and record.attempt != last:
            record = None
        if record is not None and record.stdout_result is not None:
            printed = await store.logs.read_stdout_result(reference)
        problem = None if record is None else record.stdout_problem
    return Output(execution, committed, printed, problem)


async def main_result(store: ResultStore, output: Output) -> str | None:
    """Return the text of the main result; None when there is none, it is no text or too large to go inline."""
    if output.printed is not None:
        return main_result_text(output.printed)
    return await _file_text(store, output, MAIN_RESULT_FILE, INLINE_LIMIT)


def why_no_text(output: Output) -> str | None:
    """Return in a sentence why a main result that was written or printed is not given inline; None without one."""
    file = output.file(MAIN_RESULT_FILE)
    if file is None:
        return output.printing_problem if output.printed is None else None
    if file.size > INLINE_LIMIT:
        return f"{MAIN_RESULT_FILE} has more than {INLINE_LIMIT:,} bytes: read it as a file."
    return f"{MAIN_RESULT_FILE} is not UTF-8: read it as a file."


async def problem_beside(store: ResultStore, output: Output) -> str | None:
    """Return the text of the problem that a failed program left beside a main result of its own, None without."""
    if output.execution.phase is not Phase.FAILED:
        return None
    return await _file_text(store, output, PROBLEM_FILE, _PROBLEM_LIMIT)


async def _file_text(store: ResultStore, output: Output, path: str, limit: int) -> str | None:
    committed, file = output.committed, output.file(path)
    if committed is None or file is None or file.size > limit:
        return None
    stream = await store.outputs.of(output.execution.reference, committed.attempt).open(path)
    if stream is None:
        return None
    return main_result_text(b"".join([bytes(chunk) async for chunk in stream.chunks]))


def find_file(store: ResultStore, output: Output, path: str) -> tuple[ServedFile, Opener]:
    """Return a file of the output and what opens it; raises Problem 404."""
    if output.printed is not None and path == MAIN_RESULT_FILE:
        return _printed_file(output.printed)
    committed, file = output.committed, output.file(path)
    if committed is None or file is None:
        raise Problem(HTTPStatus.NOT_FOUND, "FileNotFound", "There is no output file of that name.")

    async def opened(wanted: tuple[int, int] | None) -> OpenedFile | None:
        return await store.outputs.of(output.execution.reference, committed.attempt).open(path, wanted)

    return ServedFile(path=path, size=file.size, tag=file.sha256, media_type=file.media_type), opened


async def refuse_expired(store: ResultStore, execution: KnownExecution) -> None:
    """Raise Problem 410 when log and result of the execution were deleted because their time was over."""
    until = await store.notes.read_expiry(execution.namespace, execution.uid)
    if until is not None and datetime.now(UTC) >= until:
        raise Problem(
            HTTPStatus.GONE,
            "ResultExpired",
            "Log and result of this execution were deleted: the service keeps them for a limited time.",
        )


@dataclass(frozen=True, slots=True)
class _Bytes:
    data: bytes
    start: int
    end: int

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def chunks(self) -> AsyncIterator[bytes]:
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield self.data[self.start : self.end]


def _printed_file(data: bytes) -> tuple[ServedFile, Opener]:
    async def opened(wanted: tuple[int, int] | None) -> OpenedFile | None:
        start, end = wanted or (0, len(data))
        return _Bytes(data, start, end)

    digest = hashlib.sha256(data).hexdigest()
    return ServedFile(path=MAIN_RESULT_FILE, size=len(data), tag=digest, media_type=_JSON), opened
