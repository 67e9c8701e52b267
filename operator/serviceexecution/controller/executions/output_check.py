"""Looks into the output of a run that has ended: whether its main result is what was promised, and why it failed."""

import asyncio
import contextlib
from functools import partial
from typing import Final

from serviceexecution.contract.main_result import main_result_fault, main_result_text
from serviceexecution.contract.paths import MAIN_RESULT_FILE, PROBLEM_FILE
from serviceexecution.controller.service_problem import Checker, said
from serviceexecution.controller.store_reads import StoreReads
from serviceexecution.executions.left_problem import problem_words
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.verdict import MAIN_OUTPUT_LIMIT, has_main_result
from serviceexecution.fairness.turns import NoTurnError
from serviceexecution.fairness.work import THREADS
from serviceexecution.schemas.checker import SchemaTimeoutError
from serviceexecution.schemas.rules import SchemaUnusableError
from serviceexecution.store.store import ResultStore

CHECKED_BYTES: Final = 16 * 1024**2
"""Largest main result that is checked; the Service API gives none inline that is larger."""
LOOKED_INTO_BYTES: Final = 1024**2
"""Largest main result that is read for a sentence of the message; most programs' are smaller."""
_TURN_PAUSE_SECONDS: Final = 0.5


async def output_problem(
    seen: Observation, store: ResultStore, reads: StoreReads, checker: Checker
) -> str | None:
    """Return why the main result does not fit ``status.service.outputSchema``; None when it does.

    Raises StoreError when the store does not answer: the pass is then repeated.
    """
    service = seen.status.service
    if service is None or service.output_schema is None:
        return None
    data = await reads.ask(seen.execution.reference.namespace, lambda: _main_result(seen, store))
    if data is None:
        broken = "" if seen.log is None else seen.log.stdout_problem or ""
        return (
            f"It has no main result: neither the file {MAIN_RESULT_FILE} nor a printed one. {broken}".rstrip()
        )
    if len(data) > CHECKED_BYTES:
        return f"It is larger than {CHECKED_BYTES:,} bytes, the most that is checked."
    text = main_result_text(data)
    if text is None:
        return "It is no JSON: it is not UTF-8."
    try:
        faults = await checker.check(service.output_schema, text)
    except (SchemaUnusableError, SchemaTimeoutError) as error:
        return f"It could not be checked: {error}"
    return said(faults) if faults else None


async def output_fault(seen: Observation, store: ResultStore, reads: StoreReads) -> str | None:
    """Return why a main result that is too long for status is no JSON; None when it is, or is longer still.

    Raises StoreError, as ``output_problem`` does.
    """
    namespace = seen.execution.reference.namespace
    size = _size(seen, MAIN_RESULT_FILE)
    if size <= MAIN_OUTPUT_LIMIT or size > LOOKED_INTO_BYTES:
        return None
    data = await reads.ask(namespace, lambda: _main_result(seen, store))
    if data is None:
        return None
    while True:
        with contextlib.suppress(NoTurnError):
            return await THREADS.run(namespace, lambda: main_result_fault(main_result_text(data)))
        await asyncio.sleep(_TURN_PAUSE_SECONDS)


async def left_problem(seen: Observation, store: ResultStore, reads: StoreReads) -> str | None:
    """Return the text in which a failed program says why, where status does not hold it: a long main result, or the
    problem that our launcher leaves beside a main result of the program's own.

    Raises StoreError, as ``output_problem`` does.
    """
    namespace = seen.execution.reference.namespace
    for path, least in ((MAIN_RESULT_FILE, MAIN_OUTPUT_LIMIT), (PROBLEM_FILE, 0)):
        if not least < _size(seen, path) <= LOOKED_INTO_BYTES:
            continue
        data = await reads.ask(namespace, partial(_file, seen, store, path))
        text = None if data is None else main_result_text(data)
        if problem_words(text) is not None:
            return text
    return None


def _size(seen: Observation, path: str) -> int:
    files = () if seen.manifest is None else seen.manifest.files
    return next((file.size for file in files if file.path == path), -1)


async def _file(seen: Observation, store: ResultStore, path: str) -> bytes | None:
    """Return the beginning of an output file, one chunk more than ``CHECKED_BYTES`` at most."""
    if seen.manifest is None:
        return None
    stream = await store.outputs.of(seen.execution.reference, seen.manifest.attempt).open(path)
    if stream is None:
        return None
    found = bytearray()
    async for chunk in stream.chunks:
        found += chunk
        if len(found) > CHECKED_BYTES:
            break
    return bytes(found)


async def _main_result(seen: Observation, store: ResultStore) -> bytes | None:
    reference = seen.execution.reference
    if seen.manifest is not None and has_main_result(seen.manifest):
        return await _file(seen, store, MAIN_RESULT_FILE)
    if seen.log is not None and seen.log.stdout_result is not None:
        return await store.logs.read_stdout_result(reference)
    return None
