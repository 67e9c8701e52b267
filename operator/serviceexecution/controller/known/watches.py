"""Kopf wiring: every event of our own kinds only updates the cache and queues what it is about."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import kopf
from typing_extensions import override

from serviceexecution.contract.json_types import JsonObject, metadata_of
from serviceexecution.controller.known.cache import ObjectCache, Watched, uid_of
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.controller.work.queue import WorkQueue
from serviceexecution.resources.names import (
    API_GROUP,
    API_VERSION,
    DEFINITION_PLURAL,
    PLURAL,
)

FEWEST_IN_A_PAGE: Final = 8
"""Objects in a page of Kopf's own first list, which bounds pages in no other way. An object of 1.5 MiB may take thirty
MiB when it is parsed."""
IDLE_SECONDS: Final = 0.1
"""How long Kopf keeps an object's last event after it was handled. In its default, five seconds, it would keep all
objects of a first list."""


def _nobody_asks(_: str, __: str) -> None:
    """Take no note."""


def register(
    registry: kopf.OperatorRegistry,
    cache: ObjectCache,
    queue: WorkQueue[ExecutionKey],
    service_queue: WorkQueue[ServiceKey],
    *,
    saw_deletion: Callable[[str, str], None] = _nobody_asks,
) -> None:
    """Register the handlers. Only ``on.event``: anything else makes Kopf write to the objects.

    ``saw_deletion`` gets namespace and uid of executions that were deleted.
    """

    # Coroutines, so that Kopf calls them here: it would call functions in threads, and cache and queue are the loop's.

    async def executions(event: Mapping[str, object], **_: object) -> None:
        body = _body(event)
        cache.note_watched(Watched.EXECUTIONS, body)
        if event.get("type") == "DELETED":
            key = ExecutionKey(*_name(body))
            cache.drop_execution(key, uid_of(body))
            saw_deletion(key.namespace, uid_of(body))
            queue.add(key)
        elif not cache.is_told(body):
            queue.add(cache.put_execution(body))

    async def services(event: Mapping[str, object], **_: object) -> None:
        body = _body(event)
        cache.note_watched(Watched.DEFINITIONS, body)
        if event.get("type") == "DELETED":
            key = ServiceKey(*_name(body))
            cache.drop_definition(key, uid_of(body))
            service_queue.add(key)
        else:
            service_queue.add(cache.put_definition(body))

    kopf.on.login(registry=registry)(_login)
    kopf.on.event(API_GROUP, API_VERSION, PLURAL, registry=registry)(executions)
    kopf.on.event(API_GROUP, API_VERSION, DEFINITION_PLURAL, registry=registry)(services)


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 - Kopf's own arguments
    account = kopf.login_with_service_account(**kwargs)
    if account is not None:
        return at_service_address(account, os.environ)
    return kopf.login_with_kubeconfig(**kwargs)


def at_service_address(account: kopf.ConnectionInfo, environment: Mapping[str, str]) -> kopf.ConnectionInfo:
    """Return the connection with the API server's address in place of its name.

    Kopf asks the cluster's DNS for kubernetes.default.svc. Where that starts later than the controller, its
    watches back off for minutes, while everything else here works.
    """
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        return account
    address = f"[{host}]" if ":" in host else host
    return dataclasses.replace(account, server=f"https://{address}:{port}")


def kopf_settings(page: int) -> kopf.OperatorSettings:
    """Return Kopf's settings: no peering, no posting, no scanning of CRDs and namespaces.

    ``page`` is how many objects a page could hold when everything was listed just before. Kopf's list has to end within
    the five minutes for which the API server keeps a list's snapshot: with small pages 10,000 executions took two.
    """
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    # Our kinds are there or the first list fails; no right to watch CRDs is needed
    settings.scanning.disabled = True
    settings.watching.chunk_size = max(FEWEST_IN_A_PAGE, page)
    settings.queueing.idle_timeout = IDLE_SECONDS
    settings.networking.request_timeout = 60
    settings.persistence.diffbase_storage = _NothingToCompare()
    return settings


class _NothingToCompare(kopf.DiffBaseStorage):
    """Spares a deep copy of each object at each of its events: only handlers of changes compare, and we have none."""

    @override
    def build(self, *, body: kopf.Body, extra_fields: object = None) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    @override
    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        return None

    @override
    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        pass


def _body(event: Mapping[str, object]) -> JsonObject:
    return cast("JsonObject", event["object"])


def _name(body: JsonObject) -> tuple[str, str]:
    """Return namespace and name."""
    metadata = metadata_of(body)
    return str(metadata.get("namespace")), str(metadata.get("name"))
