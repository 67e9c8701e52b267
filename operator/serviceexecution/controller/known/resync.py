"""Lists everything now and then: finds what watches missed, and notices a watch that delivers nothing.

Nothing here holds more than one page of a list. Executions are listed by their metadata alone, once they are known,
and those that changed unseen are read one by one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.health import Health
from serviceexecution.controller.known.cache import ObjectCache, Watched, uid_of
from serviceexecution.controller.known.cached_execution import EndedExecution
from serviceexecution.controller.known.listed import Shown
from serviceexecution.controller.known.routing import Router, Touched
from serviceexecution.controller.metrics import NAMESPACES_REFUSED
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_DEFINITIONS, SERVICE_EXECUTIONS, ResourceKind
from serviceexecution.kube.pages import PAGE_SIZE
from serviceexecution.kube.versions import number_of, version_of
from serviceexecution.resources.names import LABEL_EXECUTION_UID

logger = structlog.stdlib.get_logger()

WATCH_LAG_SECONDS: Final = 60.0
"""A watch that is behind a list and delivers nothing for so long is dead. One that is only behind goes on."""
TAKEN_IN_A_ROW: Final = 50
"""Objects; others run then. The larger ones take a tenth of a millisecond each."""

_KINDS: Final[tuple[tuple[Watched, ResourceKind, str | None], ...]] = (
    (Watched.DEFINITIONS, SERVICE_DEFINITIONS, None),
    (Watched.JOBS, JOBS, LABEL_EXECUTION_UID),
    (Watched.PODS, PODS, LABEL_EXECUTION_UID),
    (Watched.EXECUTIONS, SERVICE_EXECUTIONS, None),
)
_Place = tuple[Watched, str]


@dataclass(slots=True)
class _Listed:
    """What one list has shown: uids, and never objects."""

    uids: set[str] = field(default_factory=set)
    newest: int = 0
    version: int = 0

    def note(self, items: list[JsonObject], version: str) -> None:
        self.uids.update(map(uid_of, items))
        self.newest = max(self.newest, max(map(version_of, items), default=0))
        self.version = number_of(version)


class Resync:
    """Compares the cache with what the API server lists."""

    def __init__(
        self,
        client: KubernetesClient,
        cache: ObjectCache,
        health: Health,
        add: Callable[[ExecutionKey], None],
        add_service: Callable[[ServiceKey], None],
        *,
        namespaces: tuple[str, ...],
    ) -> None:
        self._add_service = add_service
        self._client = client
        self._cache = cache
        self._health = health
        self._add = add
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)
        self._router = Router(cache)
        self.refused: set[str] = set()
        """Namespaces whose objects the controller may not list: those are left alone until it may."""
        self.bearable_page = PAGE_SIZE
        """Most objects that a page could hold wherever the lists so far have gone: fewer where objects are large."""
        self._unwatched: frozenset[str] = frozenset()
        self._knows_all = False
        """All executions were listed once: from then on their metadata tells which have changed."""

    async def start(self) -> tuple[str, ...]:
        """List everything for the first time; return which of the namespaces can be watched.

        Raises KubernetesError, also when no namespace may be read at all.
        """
        await self.once()
        self._unwatched = frozenset(self.refused)
        return tuple(one for one in self._namespaces if one is not None and one not in self.refused)

    async def run(self, every_seconds: float) -> None:
        """Resync for ever."""
        while True:
            await asyncio.sleep(every_seconds)
            try:
                await self.check()
            except KubernetesError as error:
                logger.warning("resync failed; it is repeated later", error=str(error))

    async def check(self) -> None:
        """Resync, and notice a watch that does not deliver what the lists show."""
        await self._check_watches(await self.once())

    async def once(self) -> dict[_Place, int]:
        """List all kinds and queue what may need a pass; return the newest resource version by kind and watch."""
        newest: dict[_Place, int] = {}
        for namespace in self._namespaces:
            for watched, kind, selector in _KINDS:
                try:
                    listed = await self._list(watched, kind, namespace, selector)
                except KubernetesError as error:
                    if namespace is None or not error.lacks_right:
                        raise
                    self._refuse(namespace, error)
                    break
                place = watched, namespace or ""
                newest[place] = listed.newest
                self._drop_unlisted(watched, listed, namespace)
                if watched is Watched.EXECUTIONS and self._knows_all:
                    self._look_at_known(namespace)
            else:
                self._allow(namespace)
        self._knows_all = True
        return newest

    async def _list(
        self, watched: Watched, kind: ResourceKind, namespace: str | None, selector: str | None
    ) -> _Listed:
        listed = _Listed()
        by_metadata = watched is Watched.EXECUTIONS and self._knows_all
        pages = self._client.list_pages(kind, namespace, label_selector=selector, metadata_only=by_metadata)
        async for page in pages:
            if page.begun_again:
                listed = _Listed()
            listed.note(page.items, page.resource_version)
            self.bearable_page = min(self.bearable_page, page.limit)
            for number, item in enumerate(page.items):
                if by_metadata:
                    await self._take_metadata(item)
                else:
                    self._take(watched, item)
                if number % TAKEN_IN_A_ROW == 0:
                    await asyncio.sleep(0)
        return listed

    def _take(self, watched: Watched, item: JsonObject) -> None:
        if watched is Watched.JOBS:
            self._queue(self._router.job(item))
        elif watched is Watched.PODS:
            self._queue(self._router.pod(item))
        elif watched is Watched.DEFINITIONS:
            self._add_service(self._cache.put_definition(item))
        else:
            self._look_at(self._cache.put_execution(item))

    def _queue(self, touched: Touched) -> None:
        """Queue whose Job or pod has news. The watch may bring the same, which then is none."""
        if isinstance(touched, ServiceKey):
            self._add_service(touched)
        elif touched is not None:
            self._add(touched)

    async def _take_metadata(self, item: JsonObject) -> None:
        """Read an execution that is not known in this version."""
        if self._cache.is_known(item):
            return
        metadata = item.get("metadata")
        if not isinstance(metadata, dict):
            return
        namespace, name = str(metadata.get("namespace")), str(metadata.get("name"))
        body = await self._client.get(SERVICE_EXECUTIONS, namespace, name)
        if body is not None:
            self._add(self._cache.put_execution(body))

    def _look_at_known(self, namespace: str | None) -> None:
        """Queue executions that are known already, but for those that have ended and have nothing due."""
        for key in list(self._cache.executions):
            if namespace in {None, key.namespace}:
                self._look_at(key)

    def _look_at(self, key: ExecutionKey) -> None:
        known = self._cache.executions.get(key)
        if not isinstance(known, EndedExecution) or self._needs_a_look(known):
            self._add(key)

    def _needs_a_look(self, ended: EndedExecution) -> bool:
        return (
            ended.callback_due
            or ended.expires is not None
            or not ended.observed
            or bool(self._cache.runs.jobs(ended.metadata.uid, ended.metadata.namespace))
        )

    def _drop_unlisted(self, watched: Watched, listed: _Listed, namespace: str | None) -> None:
        for key in self._cache.drop_unlisted(watched, Shown(listed.uids, listed.version, namespace)):
            logger.info("a deletion was not seen", kind=watched.value, **key.fields())
            if isinstance(key, ServiceKey):
                self._add_service(key)
            else:
                self._add(key)

    def _refuse(self, namespace: str, error: KubernetesError) -> None:
        """Leave out a namespace that was deleted, or whose Role was: the others go on."""
        if namespace not in self.refused:
            logger.error(
                "a namespace may not be read: it is left alone", namespace=namespace, error=str(error)
            )
        self.refused.add(namespace)
        NAMESPACES_REFUSED.set(len(self.refused))
        if len(self.refused) == len(self._namespaces):
            raise error

    def _allow(self, namespace: str | None) -> None:
        if namespace is None or namespace not in self.refused:
            return
        logger.info("the namespace may be read again", namespace=namespace)
        self.refused.discard(namespace)
        NAMESPACES_REFUSED.set(len(self.refused))
        if namespace in self._unwatched:
            self._health.unwatched = namespace

    async def _check_watches(self, newest: dict[_Place, int]) -> None:
        behind = {
            place: self._cache.watched_version(*place)
            for place, version in newest.items()
            if place[1] not in self._unwatched and self._cache.watched_version(*place) < version
        }
        if not behind:
            self._health.stale_watch = ""
            return
        await asyncio.sleep(WATCH_LAG_SECONDS)
        still = [place for place, before in behind.items() if self._cache.watched_version(*place) == before]
        self._health.stale_watch = ", ".join(
            kind.value if not namespace else f"{kind.value} in {namespace}" for kind, namespace in still
        )
