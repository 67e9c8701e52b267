"""The gateway as an ASGI app."""

import asyncio
from typing import Final

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.convertors import Convertor, register_url_convertor
from typing_extensions import override

from serviceexecution.gateway import problems
from serviceexecution.gateway.cache import ExpiringCache
from serviceexecution.gateway.collect_api import collect_router
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.observe import ObservedApp
from serviceexecution.gateway.problems import unavailable
from serviceexecution.gateway.results_api import results_router
from serviceexecution.gateway.settings import Settings
from serviceexecution.store.store import ResultStore

_READY_SECONDS: Final = 10.0
_CHECK_SECONDS: Final = 5.0


class _AnythingConvertor(Convertor[str]):
    """As Starlette's "path", and newlines too: file names may hold them."""

    regex = r"[\s\S]+"

    @override
    def convert(self, value: str) -> str:
        return value

    @override
    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _AnythingConvertor())


def create_app(
    store: ResultStore,
    client: GatewayKubernetes,
    settings: Settings,
    draining: asyncio.Event | None = None,
) -> FastAPI:
    """Return the app. ``draining`` is set when the process is about to end: long polls end, and the process
    is no longer ready."""
    ending = draining or asyncio.Event()
    app = FastAPI(title="ServiceExecution gateway", openapi_url=None, redirect_slashes=False)
    problems.install(app)
    app.include_router(collect_router(store, client, settings, ending))
    app.include_router(results_router(store, client))
    app.include_router(_health_router(store, ending))
    app.add_middleware(ObservedApp)
    return app


def _health_router(store: ResultStore, draining: asyncio.Event) -> APIRouter:
    router = APIRouter()
    ready: ExpiringCache[str, bool] = ExpiringCache(seconds=_READY_SECONDS, capacity=1)

    @router.get("/healthz")
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    @router.get("/readyz")
    async def readyz() -> Response:
        if draining.is_set():
            raise unavailable("Draining", "The process is about to end.")
        if not ready.get("store"):
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    await store.check()
            except TimeoutError:
                raise unavailable("StoreUnavailable", "The results store does not answer.") from None
            ready.put("store", True)
        return JSONResponse({"status": "ok"})

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router
