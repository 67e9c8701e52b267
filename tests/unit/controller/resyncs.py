"""Resyncs on an API server in memory."""

from typing import cast

from serviceexecution.controller.health import Health
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.known.resync import Resync
from serviceexecution.controller.work.keys import ExecutionKey
from serviceexecution.kube.client import KubernetesClient
from tests.support.api_server.server import ApiServer


def of(
    kubernetes: ApiServer,
    cache: ObjectCache,
    queued: list[ExecutionKey],
    *,
    health: Health | None = None,
    namespaces: tuple[str, ...] = (),
) -> Resync:
    """Return a resync that queues to ``queued``."""
    return Resync(
        cast("KubernetesClient", kubernetes),
        cache,
        health or Health(longest_pass=lambda: 0),
        queued.append,
        lambda _: None,
        namespaces=namespaces,
    )
