"""``GET /``: the executions of a service, the newest first, a page at a time."""

import asyncio
import json
from bisect import bisect_left
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.datastructures import QueryParams

from serviceexecution.gateway.service_api.context import Call, ServiceContext
from serviceexecution.gateway.service_api.documents.execution_document import STATUSES, execution_document
from serviceexecution.gateway.service_api.executions.list_query import Wanted, cursor, wanted_of
from serviceexecution.gateway.service_api.paths import BASE_PATHS
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.service_state import ServiceState

ANSWER_BYTES: Final = 4 * 2**20
"""An answer ends behind the execution that passes this, however many were asked for."""
FETCHED: Final = 100
"""Most executions of one answer whose tags are too long to be remembered: each is a request to the API server."""
_AT_ONCE: Final = 50
"""Executions that are looked at without a pause for other requests."""


def list_router(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter(redirect_slashes=False)

    async def list_executions(request: Request, namespace: str, service: str) -> Response:
        call = await context.service(request, namespace, service, verb="list")
        wanted = wanted_of(request.query_params)
        known = await context.state.executions(namespace, service)
        page = _Page(wanted, context.state, call.definition.metadata.uid)
        texts = [text async for text in page.texts(known)]
        headers = {"Cache-Control": "no-cache"}
        if page.end is not None:
            headers["Link"] = f'<{_next_url(call, request.query_params, page.end)}>; rel="next"'
        return Response(f"[{','.join(texts)}]", media_type="application/json", headers=headers)

    for path in BASE_PATHS:
        router.add_api_route(path, list_executions, methods=["GET"])
    return router


class _Page:
    """Makes one page. ``end`` is then where the next one begins, None when there is none."""

    def __init__(self, wanted: Wanted, state: ServiceState, definition_uid: str) -> None:
        self.end: tuple[datetime, str] | None = None
        self._wanted = wanted
        self._state = state
        self._definition_uid = definition_uid
        self._fetched = 0

    async def texts(self, known: list[KnownExecution]) -> AsyncIterator[str]:
        """Give the executions as JSON texts; ``known`` are all, the oldest first."""
        wanted = self._wanted
        stop = len(known)
        if wanted.before is not None:
            stop = bisect_left(known, wanted.before, key=lambda one: one.order)
        count = size = 0
        for index in range(stop - 1, -1, -1):
            if index % _AT_ONCE == 0:
                await asyncio.sleep(0)
            if count == wanted.limit or size > ANSWER_BYTES or self._fetched == FETCHED:
                self.end = known[index + 1].order
                return
            execution = await self._fitting(known[index])
            if execution is None:
                continue
            view = execution_document(execution, self._state.id_of(execution), self._definition_uid)
            text = json.dumps(view, ensure_ascii=False, separators=(",", ":"))
            count, size = count + 1, size + len(text)
            yield text

    async def _fitting(self, known: KnownExecution) -> KnownExecution | None:
        wanted = self._wanted
        if wanted.statuses and STATUSES[known.phase] not in wanted.statuses:
            return None
        if known.cut:
            self._fetched += 1
        whole = await self._state.whole(known)
        return whole if whole is not None and wanted.tags <= set(whole.tags) else None


def _next_url(call: Call, query: QueryParams, end: tuple[datetime, str]) -> str:
    kept = [(name, value) for name, value in query.multi_items() if name in {"limit", "status", "tag"}]
    return f"{call.base}?{urlencode([*kept, ('continue', cursor(end))])}"
