"""Checks the main result of a run against its service's schema: a function of what the store holds."""

from typing import Final

from serviceexecution.contract.main_result import main_result_text
from serviceexecution.contract.paths import MAIN_RESULT_FILE
from serviceexecution.controller.service_problem import Checker, said
from serviceexecution.controller.store_reads import StoreReads
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.verdict import has_main_result
from serviceexecution.schemas.checker import SchemaTimeoutError
from serviceexecution.schemas.rules import SchemaUnusableError
from serviceexecution.store.store import ResultStore

CHECKED_BYTES: Final = 16 * 1024**2
"""Largest main result that is checked; the Service API gives none inline that is larger."""


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


async def _main_result(seen: Observation, store: ResultStore) -> bytes | None:
    reference = seen.execution.reference
    if seen.manifest is not None and has_main_result(seen.manifest):
        stream = await store.outputs.of(reference, seen.manifest.attempt).open(MAIN_RESULT_FILE)
        if stream is None:
            return None
        found = bytearray()
        async for chunk in stream.chunks:
            found += chunk
            if len(found) > CHECKED_BYTES:
                break
        return bytes(found)
    if seen.log is not None and seen.log.stdout_result is not None:
        return await store.logs.read_stdout_result(reference)
    return None
