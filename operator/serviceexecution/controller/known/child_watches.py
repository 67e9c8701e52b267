"""Watches Jobs and pods: each of their events updates the cache, and queues whose Job or pod it is when it is news.

They bring three quarters of all events. Our own client reads them, since Kopf runs each event through a task, a state
and a logger of its own, which costs several times what is done about it here.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from serviceexecution.contract.json_types import JsonObject, metadata_of
from serviceexecution.controller.known.cache import ObjectCache, Watched, uid_of
from serviceexecution.controller.known.listed import Shown
from serviceexecution.controller.known.routing import Router, Touched
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.kube.client import KubernetesClient, WatchEvent
from serviceexecution.kube.errors import GoneError, KubernetesError
from serviceexecution.kube.kinds import JOBS, PODS, ResourceKind
from serviceexecution.kube.versions import number_of
from serviceexecution.resources.names import LABEL_EXECUTION_UID

logger = structlog.stdlib.get_logger()

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 10.0
"""Between two streams. A stream goes on where the last one ended, so that a pause delays events and loses none."""
_WATCH_SECONDS: Final = 300
_TAKEN_IN_A_ROW: Final = 50
"""Objects; others run then."""
_KINDS: Final = ((Watched.JOBS, JOBS), (Watched.PODS, PODS))


@dataclass(slots=True)
class ChildWatches:
    """Follows both kinds, for ever."""

    client: KubernetesClient
    cache: ObjectCache
    add: Callable[[ExecutionKey], None]
    add_service: Callable[[ServiceKey], None]
    _router: Router = field(init=False)

    def __post_init__(self) -> None:
        self._router = Router(self.cache)

    async def run(self, namespaces: tuple[str, ...]) -> None:
        """Watch those namespaces, or the whole cluster without any, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for namespace in namespaces or (None,):
                for watched, kind in _KINDS:
                    tasks.create_task(self._follow(watched, kind, namespace))

    async def _follow(self, watched: Watched, kind: ResourceKind, namespace: str | None) -> None:
        version, pause = "", FIRST_PAUSE
        while True:
            try:
                version = version or await self._list(watched, kind, namespace)
                stream = self.client.watch(
                    kind,
                    namespace,
                    label_selector=LABEL_EXECUTION_UID,
                    timeout_seconds=_WATCH_SECONDS,
                    resource_version=version,
                )
                async with contextlib.aclosing(stream) as events:
                    taken = 0
                    async for event in events:
                        version = str(metadata_of(event.object).get("resourceVersion") or version)
                        self.take(watched, event)
                        taken, pause = taken + 1, FIRST_PAUSE
                        if taken % _TAKEN_IN_A_ROW == 0:
                            await asyncio.sleep(0)
            except GoneError:
                logger.info("a watch is too old; all is listed again", kind=kind.plural)
                version = ""
            except KubernetesError as error:
                logger.warning("cannot watch", kind=kind.plural, namespace=namespace, error=str(error))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spread, not secrets
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _list(self, watched: Watched, kind: ResourceKind, namespace: str | None) -> str:
        """Take all that there are, and forget what is gone; return the version to watch from."""
        uids: set[str] = set()
        version = ""
        async for page in self.client.list_pages(kind, namespace, label_selector=LABEL_EXECUTION_UID):
            if page.begun_again:
                uids.clear()
            uids.update(map(uid_of, page.items))
            for number, item in enumerate(page.items):
                self._put(watched, item)
                if number % _TAKEN_IN_A_ROW == 0:
                    await asyncio.sleep(0)
            version = page.resource_version
        for key in self.cache.drop_unlisted(watched, Shown(uids, number_of(version), namespace)):
            self._queue(key)
        return version

    def take(self, watched: Watched, event: WatchEvent) -> None:
        """Take an event of a watch."""
        if event.type in {"ADDED", "MODIFIED", "DELETED"}:
            self._put(watched, event.object, deleted=event.type == "DELETED")

    def _put(self, watched: Watched, body: JsonObject, *, deleted: bool = False) -> None:
        self.cache.note_watched(watched, body)
        read = self._router.job if watched is Watched.JOBS else self._router.pod
        self._queue(read(body, deleted=deleted))

    def _queue(self, touched: Touched) -> None:
        if isinstance(touched, ServiceKey):
            self.add_service(touched)
        elif touched is not None:
            self.add(touched)
