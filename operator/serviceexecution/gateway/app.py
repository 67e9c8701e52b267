"""The gateway as an ASGI app."""

import asyncio
from typing import Final

# The first streamed answer would load it, and hold the event loop for up to 90 ms: every other caller would wait.
import anyio._backends._asyncio  # noqa: F401
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.types import ASGIApp, Scope
from typing_extensions import override

from serviceexecution.fairness.payers import Payer
from serviceexecution.gateway.access.access_keys import AccessKeys
from serviceexecution.gateway.access.attempts import Attempts
from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.access.token_endpoint import token_router
from serviceexecution.gateway.builds.log_routes import build_log_router
from serviceexecution.gateway.builds.revision_routes import revision_router
from serviceexecution.gateway.builds.routes import builds_router
from serviceexecution.gateway.cluster.routes import Budget, cluster_router
from serviceexecution.gateway.collect.routes import collect_router
from serviceexecution.gateway.console.routes import console_router
from serviceexecution.gateway.data_pools.directory import PoolDirectory
from serviceexecution.gateway.data_pools.heads import PoolHeads
from serviceexecution.gateway.data_pools.limits import PoolLimits
from serviceexecution.gateway.http import problems
from serviceexecution.gateway.http.bodies.upload_slots import UploadSlots
from serviceexecution.gateway.http.methods import HeadOfGet
from serviceexecution.gateway.http.middleware.cors import RouteCors
from serviceexecution.gateway.http.middleware.doors import Doors
from serviceexecution.gateway.http.middleware.entrance import Entrance
from serviceexecution.gateway.http.middleware.observe import ObservedApp
from serviceexecution.gateway.http.middleware.refusals import Refusals
from serviceexecution.gateway.http.traces import Offer
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.logs.streams import Streams
from serviceexecution.gateway.platform_api.routes import platform_api_router
from serviceexecution.gateway.readiness import IsThere, Readiness
from serviceexecution.gateway.results.delete_routes import delete_router
from serviceexecution.gateway.results.routes import results_router
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.executions.result_answers import ResultAnswers
from serviceexecution.gateway.service_api.routes import service_router
from serviceexecution.gateway.service_api.submission.intake import Intake
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.sources.routes import sources_router
from serviceexecution.gateway.sources.uploads import SourceUploads
from serviceexecution.gateway.state.monthly_usage import UsageReads
from serviceexecution.gateway.state.outputs import CommittedOutputs
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.gateway.waiting.address import WaitingAddress
from serviceexecution.gateway.waiting.events import BOUNDS as CHANGES
from serviceexecution.gateway.waiting.holds import Holds
from serviceexecution.gateway.waiting.waits import Waits
from serviceexecution.schemas.checker import SchemaChecker
from serviceexecution.store.store import ResultStore

_HEALTH: Final = frozenset({"/healthz", "/readyz"})


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


class _Gateway(FastAPI):
    """The app, with what web pages of other origins need around everything, errors of our own included."""

    def __init__(self, cors_origins: tuple[str, ...]) -> None:
        super().__init__(
            title="ServiceExecution gateway", openapi_url=None, docs_url=None, redirect_slashes=False
        )
        self._cors_origins = cors_origins

    @override
    def build_middleware_stack(self) -> ASGIApp:
        stack = super().build_middleware_stack()
        if self._cors_origins:
            stack = RouteCors(stack, self._cors_origins, self.routes)
        return WaitingAddress(stack)


def create_app(
    store: ResultStore,
    client: GatewayKubernetes,
    settings: GatewaySettings,
    draining: asyncio.Event | None = None,
    *,
    state: ServiceState | None = None,
    schemas: SchemaChecker | None = None,
    another_is_ready: IsThere | None = None,
    offer_spans: Offer | None = None,
) -> FastAPI:
    """Return the app. ``draining`` is set when the process is about to end: long polls end, and the process
    is no longer ready. The caller who gives ``state`` keeps it true and closes ``schemas``. ``offer_spans`` takes spans
    of traces to be sent; without it nothing is traced."""
    ending = draining or asyncio.Event()
    keys = AccessKeys(client, settings)
    access = Access(client, settings, Attempts(), keys)
    streams = Streams(access, ending)
    known = state or ServiceState(client, settings.namespaces)
    outputs = CommittedOutputs(store)
    waits = Waits(known, Holds(known.changes, ending), settings.wait_seconds)
    pools = PoolDirectory(client)
    context = ServiceContext(
        store=store,
        outputs=outputs,
        client=client,
        state=known,
        access=access,
        settings=settings,
        schemas=schemas or SchemaChecker(),
        streams=streams,
        waits=waits,
        changes=Streams(access, ending, CHANGES),
        usages=UsageReads(store),
        pools=pools,
    )
    app = _Gateway(settings.cors_origins)
    problems.install(app)
    slots = UploadSlots(
        large=settings.large_uploads,
        small=settings.small_uploads,
        queue_seconds=settings.upload_queue_seconds,
    )
    heads = PoolHeads(client, store, pools, PoolLimits.of(settings))
    app.include_router(collect_router(store, client, settings, slots, ending, heads=heads))
    app.include_router(
        results_router(store, outputs, client=client, state=known, access=access, streams=streams)
    )
    app.include_router(delete_router(client, known, access))
    uploads = SourceUploads(store, settings)
    app.include_router(sources_router(store, access, settings, uploads))
    app.include_router(builds_router(store, client, settings))
    app.include_router(build_log_router(store, known, access, settings, streams))
    app.include_router(revision_router(client, known, access, settings))
    app.include_router(token_router(settings, access, keys))
    results, intake = ResultAnswers(store, outputs), Intake(context)
    app.include_router(service_router(context, results, intake))
    app.include_router(platform_api_router(context, results, intake, pools, heads, uploads=uploads))
    budgets = (
        Budget("large uploads", lambda: slots.uses[0]),
        Budget("small uploads", lambda: slots.uses[1]),
        Budget("submissions", lambda: intake.use),
        Budget("followed logs", lambda: streams.use),
        Budget("streams of executions and services", lambda: context.changes.use),
    )
    app.include_router(cluster_router(store, client, settings, state=known, access=access, budgets=budgets))
    app.include_router(console_router(settings))
    app.include_router(_health_router(Readiness(store, ending, state, another_is_ready)))
    app.add_middleware(HeadOfGet)

    def payer_of(scope: Scope) -> Payer:
        return _payer_of(access, scope)

    app.add_middleware(Refusals, payer_of=payer_of, draining=ending)
    app.add_middleware(Entrance, payer_of=payer_of)
    app.add_middleware(Doors, pods_port=settings.pods_port, pods_at_api_port=settings.pods_at_api_port)
    app.add_middleware(ObservedApp, offer=offer_spans)
    return app


def _payer_of(access: Access, scope: Scope) -> Payer:
    if scope["path"] in _HEALTH:
        return Payer("health")  # a process that many ask is not ill
    return access.payer_of(Request(scope))


def _health_router(readiness: Readiness) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    @router.get("/readyz")
    async def readyz() -> Response:
        return JSONResponse(await readiness.answer())

    return router
