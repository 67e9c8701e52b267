"""The result of an ended execution as an answer, small ones at once, large ones in turns."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from fastapi import Response
from fastapi.responses import StreamingResponse

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.fairness.turns import FairTurns
from serviceexecution.fairness.work import THREADS
from serviceexecution.gateway.http.answers.deferred_response import DeferredResponse
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.service_api.documents.result_document import (
    links_parts,
    members_part,
    result_document,
)
from serviceexecution.gateway.service_api.executions.result_lookup import (
    Output,
    find_output,
    main_result,
    problem_beside,
    why_no_text,
)
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.outputs import CommittedOutputs
from serviceexecution.store.store import ResultStore

LARGE_RESULT: Final = 256 * 1024
"""Main results above this many bytes are made and sent in turns."""
_FEW_FILES: Final = 500
_LARGE_AT_ONCE: Final = 4
_LARGE_PER_NAMESPACE: Final = 2
"""Each holds up to 16 MiB until its client has it; while one is made it takes some 150 MiB."""
_WAIT_SECONDS: Final = 20.0
_SEND_SECONDS: Final = 300.0
_PIECE_BYTES: Final = 256 * 1024
_NO_CACHE: Final = {"Cache-Control": "no-cache"}


class ResultAnswers:
    """Answers with results. One for all APIs of a gateway: large results share its memory."""

    def __init__(self, store: ResultStore, outputs: CommittedOutputs) -> None:
        self._store = store
        self._outputs = outputs
        self._sending = FairTurns(_LARGE_AT_ONCE, per_key=_LARGE_PER_NAMESPACE, waiting_per_key=50)
        self._building = FairTurns(1)

    async def output(self, execution: KnownExecution) -> Output:
        """Return what is kept of an ended execution; raises Problem 404 before its end, 410, 503, StoreError."""
        refuse_unfinished(execution)
        return await find_output(self._store, self._outputs, execution)

    async def answer(self, output: Output, view: JsonObject, url: str, *, result: str = "result") -> Response:
        """Return the result; ``url`` is the execution's, ``result`` what the result is called below it."""
        if output.main_size <= LARGE_RESULT and output.number_of_files <= _FEW_FILES:
            return await self._small(output, view, url, result)
        return DeferredResponse(
            self._sending,
            output.execution.namespace,
            lambda: self._large(output, view, url, result),
            wait_seconds=_WAIT_SECONDS,
            seconds=_SEND_SECONDS,
        )

    async def _small(self, output: Output, view: JsonObject, url: str, result: str) -> Response:
        text = result_document(
            await main_result(self._store, output),
            view,
            output.execution.status,
            url,
            itertools.chain.from_iterable(output.paths()),
            problem=await problem_beside(self._store, output),
            why_no_text=why_no_text(output),
            result=result,
        )
        return Response(text, media_type="application/json", headers=_NO_CACHE)

    async def _large(self, output: Output, view: JsonObject, url: str, result: str) -> Response:
        namespace = output.execution.namespace
        async with self._building.turn(namespace):
            begin = await THREADS.run(
                namespace,
                members_part,
                await main_result(self._store, output),
                view,
                output.execution.status,
                await problem_beside(self._store, output),
                why_no_text(output),
            )

        async def parts() -> AsyncIterator[bytes]:
            for part in begin:
                for start in range(0, len(part), _PIECE_BYTES):
                    yield part[start : start + _PIECE_BYTES]
            for part in links_parts(url, output.paths(), result=result):
                yield part
                await asyncio.sleep(0)

        return StreamingResponse(parts(), media_type="application/json", headers=_NO_CACHE)


def refuse_unfinished(execution: KnownExecution) -> None:
    """Raise Problem 404 while the execution has not ended."""
    if not execution.has_ended:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "NotFinished",
            "The execution has not finished; its result is there when its status is final.",
            headers={"Retry-After": "2"},
        )
