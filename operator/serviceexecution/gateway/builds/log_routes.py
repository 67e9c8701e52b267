"""/api/v1/…/builds/{revision}/log: the log of a build, while it runs and after, all attempts one after the other."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response

from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.http.path_names import is_namespace, is_object_name
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.logs.attempts import AttemptProgress, Place, followed_attempts
from serviceexecution.gateway.logs.events import flag, last_event_id, wants_stream
from serviceexecution.gateway.logs.streams import Standing, Streams
from serviceexecution.gateway.logs.text import log_text
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.resources.names import DEFINITION_PLURAL
from serviceexecution.resources.reference import revision_reference
from serviceexecution.resources.services.definition_status import Revision
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()
LAST_LINES: Final = timedelta(seconds=60)
"""How long the controller waits for the end of a log when the build is over."""

BUILD_LOG: Final = "/namespaces/{namespace}/services/{service}/builds/{revision}/log"


def build_log_router(
    store: ResultStore, state: ServiceState, access: Access, settings: GatewaySettings, streams: Streams
) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/api/v1", redirect_slashes=False)

    @router.get(BUILD_LOG)
    async def get_build_log(request: Request, namespace: str, service: str, revision: str) -> Response:
        caller = await access.authenticate(request)
        if (
            not is_namespace(namespace)
            or not is_object_name(service)
            or (settings.namespaces and namespace not in settings.namespaces)
        ):
            raise _no_service(namespace, service)
        await access.require(
            caller,
            verb="get",
            resource=DEFINITION_PLURAL,
            subresource="log",
            namespace=namespace,
            name=service,
        )
        definition, found = await _find(state, namespace, service, revision)
        uid = definition.metadata.uid
        reference = revision_reference(namespace, service, uid, found.name)
        request.state.execution = reference
        now = _progress(found)
        if not wants_stream(request):
            attempts = range(1, now.attempt + 1)
            return await log_text(store, reference, attempts, timestamps=flag(request, "timestamps"))

        async def progress() -> AttemptProgress:
            try:
                newest = _revision(await state.definition(namespace, service), uid, found.name)
                if newest is None:  # Gone, or only unknown here: the API server says which
                    newest = _revision(await state.fresh_definition(namespace, service), uid, found.name)
            except KubernetesError as error:  # Asked again later; the stream goes on meanwhile
                logger.warning("cannot see whether a build is over", error=str(error))
                return now
            return AttemptProgress(now.attempt, over=True) if newest is None else _progress(newest)

        place = Place.parse(last_event_id(request))
        start = place if place.attempt <= now.attempt else Place()
        return streams.follow(
            request,
            Standing("get", DEFINITION_PLURAL, "log", namespace, service),
            lambda ending: followed_attempts(store, reference, start, progress=progress, draining=ending),
        )

    return router


def progress_of(revision: Revision, now: datetime) -> AttemptProgress:
    """Return how far a revision's build has come, as far as its log goes. Pure."""
    over = revision.phase.terminal
    if (
        over
        and revision.build_time is not None
        and revision.log is None
        and revision.completion_time is not None
    ):
        # One that was stopped: the last lines come after its end
        over = now - revision.completion_time > LAST_LINES
    return AttemptProgress(max(1, revision.attempts), over)


async def _find(
    state: ServiceState, namespace: str, service: str, name: str
) -> tuple[KnownDefinition, Revision]:
    definition = await state.definition(namespace, service)
    revision = None if definition is None else definition.status.find(name)
    if revision is None:
        # A build that has just begun may be known to the API server and not here
        definition = await state.fresh_definition(namespace, service)
        revision = None if definition is None else definition.status.find(name)
    if definition is None:
        raise _no_service(namespace, service)
    if revision is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "RevisionNotFound",
            f"The service {service} has no revision {name[:12]}, or has it no longer.",
        )
    return definition, revision


def _revision(definition: KnownDefinition | None, uid: str, name: str) -> Revision | None:
    return None if definition is None or definition.metadata.uid != uid else definition.status.find(name)


def _progress(revision: Revision) -> AttemptProgress:
    return progress_of(revision, datetime.now(UTC))


def _no_service(namespace: str, service: str) -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND,
        "ServiceNotFound",
        f"There is no service {service[:253]} in namespace {namespace[:63]}.",
    )
