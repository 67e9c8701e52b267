"""/api/v1: what users call to read any execution's files and log, with their cluster account."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.http.answers.file_response import ServedFile, file_response
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.logs.attempts import asked_attempt
from serviceexecution.gateway.logs.events import last_event_id, wants_stream
from serviceexecution.gateway.logs.reader import LogReader, Position, followed
from serviceexecution.gateway.logs.streams import Standing, Streams
from serviceexecution.gateway.logs.text import log_text
from serviceexecution.gateway.results.lookup import EXECUTION, FoundExecution, found_execution, is_over
from serviceexecution.gateway.state.outputs import CommittedOutput, CommittedOutputs, pieces
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.names import PLURAL
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()
_ASK_SECONDS: Final = 5.0
"""How often the API server is asked whether an execution is over whose log is followed."""


def results_router(
    store: ResultStore,
    outputs: CommittedOutputs,
    *,
    client: GatewayKubernetes,
    state: ServiceState,
    access: Access,
    streams: Streams,
) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1", redirect_slashes=False)

    async def find(request: Request, namespace: str, name: str, subresource: str) -> FoundExecution:
        return await found_execution(
            request, access, state, namespace, name, verb="get", subresource=subresource
        )

    @router.get(f"{EXECUTION}/files")
    async def list_files(request: Request, namespace: str, name: str) -> Response:
        found = await find(request, namespace, name, "results")
        committed = await _committed(outputs, found)
        return StreamingResponse(_listing(committed), media_type="application/json")

    @router.api_route(f"{EXECUTION}/files/{{path:anything}}", methods=["GET", "HEAD"])
    async def get_file(request: Request, namespace: str, name: str, path: str) -> Response:
        found = await find(request, namespace, name, "results")
        committed = await _committed(outputs, found)
        stored = store.outputs.of(found.reference, committed.attempt)
        return await file_response(_served(committed, path), request, partial(stored.open, path))

    @router.get(f"{EXECUTION}/log")
    async def get_log(request: Request, namespace: str, name: str, *, timestamps: bool = False) -> Response:
        found = await find(request, namespace, name, "log")
        record = await store.logs.read_record(found.reference)
        made = found.attempt if record is None else max(found.attempt, record.attempt)
        attempt = asked_attempt(request, made)
        if wants_stream(request):
            reader = LogReader(store, found.reference, attempt, Position.parse(last_event_id(request)))
            end = _End(client, found.reference)
            return streams.follow(
                request,
                Standing("get", PLURAL, "log", namespace, name),
                lambda ending: followed(reader, ended=end.has_come, draining=ending),
            )
        return await log_text(store, found.reference, [attempt], timestamps=timestamps)

    return router


def _served(committed: CommittedOutput, path: str) -> ServedFile:
    file = committed.files.get(path)
    if file is None:
        raise Problem(HTTPStatus.NOT_FOUND, "FileNotFound", f"There is no output file {path}.")
    return ServedFile(path=path, size=file.size, tag=file.sha256, media_type=file.media_type)


class _End:
    """Tells whether an execution is over, asking now and then: most logs say themselves when they are complete."""

    def __init__(self, client: GatewayKubernetes, reference: ExecutionReference) -> None:
        self._client = client
        self._reference = reference
        self._asked = float("-inf")

    async def has_come(self) -> bool:
        now = time.monotonic()
        if now - self._asked < _ASK_SECONDS:
            return False
        self._asked = now
        try:
            execution = await self._client.get(
                SERVICE_EXECUTIONS, self._reference.namespace, self._reference.name
            )
        except KubernetesError as error:  # Asked again later; the stream goes on meanwhile
            logger.warning("cannot see whether an execution is over", error=str(error))
            return False
        return execution is None or is_over(execution, self._reference.uid)


async def _committed(outputs: CommittedOutputs, found: FoundExecution) -> CommittedOutput:
    committed = await outputs.read(found.reference, final=found.over)
    if committed is None or committed.attempt != found.attempt:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "NoResultYet",
            f"The output of {found.reference.name} has not been collected.",
        )
    return committed


async def _listing(committed: CommittedOutput) -> AsyncIterator[str]:
    """Give the list of files as JSON, piece by piece: it may have 50,000."""
    yield f'{{"attempt":{committed.attempt},"files":['
    separator = ""
    for piece in pieces(committed):
        files = [
            {"path": path, "size": file.size, "sha256": file.sha256, "mediaType": file.media_type}
            for path, file in piece
        ]
        yield separator + json.dumps(files)[1:-1]
        separator = ","
        await asyncio.sleep(0)
    yield "],"
    rest = {
        "skipped": [{"path": one.path, "reason": one.reason} for one in committed.skipped],
        "totalBytes": committed.total_bytes,
        "limitExceeded": committed.limit_exceeded,
        "committedAt": committed.committed_at.isoformat().replace("+00:00", "Z"),
    }
    yield json.dumps(rest)[1:]
