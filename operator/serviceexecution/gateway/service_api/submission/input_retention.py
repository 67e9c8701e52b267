"""How long inputs are kept after the end of their executions, and the sweep of those whose time is over."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from serviceexecution.contract.durations import MAX_DURATION_SECONDS, DurationError, parse_duration
from serviceexecution.contract.json_types import JsonObject, object_of, text_of
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.kube.errors import ConflictError, KubernetesError
from serviceexecution.kube.kinds import CONFIG_MAPS
from serviceexecution.resources.names import LABEL_INPUT_RETENTION

logger = structlog.stdlib.get_logger()
SWEEP_SECONDS: Final = 60.0
DELETED_PER_SWEEP: Final = 500
"""Most inputs of one namespace that a sweep deletes; the rest is for the next one."""

Find = Callable[[str, str], KnownExecution | None]
"""Returns the execution of that namespace and name, as far as it is known."""


def retention_seconds(text: str | None) -> int | None:
    """Return for how many seconds inputs are kept after the end; None: for as long as the execution."""
    if not text:
        return None
    try:
        return int(parse_duration(text, field="spec.inputRetention"))
    except DurationError:
        return 0  # Not kept is what nobody regrets whose service was meant to keep less


def is_over(metadata: JsonObject, ended: datetime | None, now: datetime) -> bool:
    """Tell whether the time of an input is over, by its label or its execution's, which ended then. Pure."""
    text = text_of(object_of(metadata.get("labels")).get(LABEL_INPUT_RETENTION))
    if not (text.isascii() and text.isdecimal()) or ended is None:
        return False
    return now >= ended + timedelta(seconds=min(int(text[:12]), MAX_DURATION_SECONDS))


class InputSweeper:
    """Deletes the ConfigMaps of inputs whose time is over. Only those that have a time are listed, without their data,
    and they are few: each goes when its time comes.
    """

    def __init__(self, client: GatewayKubernetes, find: Find, namespaces: tuple[str, ...] = ()) -> None:
        self._client = client
        self._find = find
        self._namespaces = namespaces

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - spread, not secrets
            try:
                await self.once(datetime.now(UTC))
            except KubernetesError as error:
                logger.warning("inputs are swept later", error=str(error))

    async def once(self, now: datetime) -> None:
        """Sweep once; raises KubernetesError."""
        for namespace in self._namespaces or (None,):
            deleted: Counter[str] = Counter()
            pages = self._client.list_pages(
                CONFIG_MAPS, namespace, label_selector=LABEL_INPUT_RETENTION, metadata_only=True
            )
            async for page in pages:
                for config_map in page.items:
                    metadata = object_of(config_map.get("metadata"))
                    of, name = text_of(metadata.get("namespace")), text_of(metadata.get("name"))
                    found = self._find(of, name)
                    if found is None or not found.has_ended or not found.owns(metadata):
                        continue
                    if is_over(metadata, found.completion_time, now) and deleted[of] < DELETED_PER_SWEEP:
                        deleted[of] += 1
                        await self._delete(of, name, text_of(metadata.get("uid")))

    async def _delete(self, namespace: str, name: str, uid: str) -> None:
        try:
            await self._client.delete(CONFIG_MAPS, namespace, name, uid=uid)
        except ConflictError:
            return
        logger.info("input deleted: its retention is over", namespace=namespace, execution=name)
