"""``/api/v1/cluster``: one document about everything, for those who may list the executions of all namespaces."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import Counter

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.fairness.turns import Use
from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.caches.single_flight import SingleFlight
from serviceexecution.gateway.cluster.processes import Installation, processes
from serviceexecution.gateway.cluster.summary import executions_summary, services_summary
from serviceexecution.gateway.http.answers.in_thread import in_thread
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.metrics import REFUSED, THROTTLE_SECONDS
from serviceexecution.resources.names import PLURAL
from serviceexecution.store.storage.answers import away_sentence
from serviceexecution.store.store import ResultStore

SECONDS: Final = 5.0
"""How long a document is shown again: it counts everything that is known, whoever asks."""
_PAYER: Final = "cluster page"
"""Whose turn it is that a document is counted; no namespace has this name."""
_KEY: Final = ""
_NO_CACHE: Final = {"Cache-Control": "no-cache"}


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget of this process that namespaces share."""

    name: str
    use: Callable[[], Use]


def cluster_router(
    store: ResultStore,
    client: GatewayKubernetes,
    settings: GatewaySettings,
    *,
    state: ServiceState,
    access: Access,
    budgets: Sequence[Budget],
) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/api/v1", redirect_slashes=False)
    installation = Installation.parse(settings.installation)
    kept: ExpiringCache[str, JsonObject] = ExpiringCache(seconds=SECONDS, capacity=1)
    counts: SingleFlight[str, JsonObject] = SingleFlight()

    @router.get("/cluster")
    async def get_cluster(request: Request) -> Response:
        caller = await access.authenticate(request)
        for namespace in settings.namespaces or ("",):
            await access.require(caller, verb="list", resource=PLURAL, namespace=namespace)
        document = kept.get(_KEY)
        if document is None:
            document = await counts.ask(_KEY, counted)
        return JSONResponse(document, headers=_NO_CACHE)

    async def counted() -> JsonObject:
        now = datetime.now(UTC)
        executions, definitions = state.all_executions(), state.known_definitions(None)
        document: JsonObject = {
            "time": now.isoformat(),
            **await in_thread(_PAYER, _counts, executions, definitions, now, state.id_of),
            "processes": await processes(client, installation),
            "store": _store(store),
            "gateway": _gateway(budgets),
        }
        kept.put(_KEY, document)
        return document

    return router


def _counts(
    executions: Sequence[KnownExecution],
    definitions: Sequence[KnownDefinition],
    now: datetime,
    id_of: Callable[[KnownExecution], str],
) -> JsonObject:
    return {"executions": executions_summary(executions, now, id_of), **services_summary(definitions)}


def _store(store: ResultStore) -> JsonObject:
    since = store.answers.away_since()
    return {"answers": True} if since is None else {"answers": False, "problem": away_sentence(since)}


def _gateway(budgets: Sequence[Budget]) -> JsonObject:
    """Return what the process that answers knows of itself."""
    uses = [(budget.name, budget.use()) for budget in budgets]
    return {
        "name": socket.gethostname(),
        "budgets": [
            {"name": name, "held": use.held, "most": use.most, "waiting": use.waiting} for name, use in uses
        ],
        "kubernetes": {
            "refused": int(_value(REFUSED)),
            "throttledSeconds": round(_value(THROTTLE_SECONDS), 1),
        },
    }


def _value(counter: Counter) -> float:
    return sum(
        sample.value
        for metric in counter.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    )
