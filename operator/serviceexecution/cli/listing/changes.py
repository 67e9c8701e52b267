"""Executions while they change: the list, and then whatever becomes different, as the API server tells it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import httpx

from serviceexecution.cli.cluster.api import WATCH_SECONDS, ClusterApi
from serviceexecution.cli.listing.selection import Selection, newest_first
from serviceexecution.cli.summaries import ExecutionSummary, execution_summary
from serviceexecution.contract.json_types import JsonObject, object_of
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS

_PATIENCE_SECONDS: Final = 60.0
"""How long the cluster may be away."""
PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Gone:
    """An execution that was deleted."""

    last: ExecutionSummary


@dataclass(slots=True)
class Changes:
    """Executions of a namespace, None for all: owner of what was seen of them.

    Its methods raise what those of ClusterApi raise; ``follow`` only when the cluster is away for a minute.
    """

    api: ClusterApi
    namespace: str | None
    selection: Selection = field(default_factory=Selection)
    name: str = ""
    """Only the execution of this name."""
    _seen: dict[str, ExecutionSummary] = field(default_factory=dict)
    _version: str = ""

    def now(self) -> list[ExecutionSummary]:
        """Return the executions as they are, the newest first."""
        found = [view for view in self._all() if self.selection.takes(view)]
        self._seen = {_key(view): view for view in found}
        return newest_first(found)

    def follow(self, seconds: float | None = None) -> Iterator[ExecutionSummary | Gone]:
        """Give each execution that has become different since ``now``: for ever, or for so many seconds."""
        end = None if seconds is None else time.monotonic() + seconds
        away = time.monotonic() + _PATIENCE_SECONDS
        while end is None or time.monotonic() < end:
            begun = time.monotonic()
            try:
                for change in self._watched(
                    WATCH_SECONDS if end is None else min(WATCH_SECONDS, end - begun)
                ):
                    away = time.monotonic() + _PATIENCE_SECONDS
                    yield change
                    if end is not None and time.monotonic() >= end:
                        return
            except httpx.ReadTimeout:
                away = time.monotonic() + _PATIENCE_SECONDS  # Nothing has happened
                continue
            except (httpx.TransportError, KubernetesError) as error:
                lasting = isinstance(error, KubernetesError) and not (error.retriable or error.status == 410)
                if lasting or time.monotonic() >= away:
                    raise
                yield from self._missed()
            if time.monotonic() - begun < PAUSE_SECONDS:  # Whoever refuses is not asked at once again
                left = PAUSE_SECONDS if end is None else end - time.monotonic()
                time.sleep(max(0.0, min(PAUSE_SECONDS, left)))

    def _watched(self, seconds: float) -> Iterator[ExecutionSummary | Gone]:
        selector, version = self._field_selector, self._version
        for kind, item in self.api.watch(
            SERVICE_EXECUTIONS, self.namespace, field_selector=selector, version=version, seconds=seconds
        ):
            yield from self._changed(kind, item)

    @property
    def _field_selector(self) -> str:
        if self.name:
            return f"metadata.name={self.name}"
        # By a phase that may change nothing is selected here: an execution that leaves it would look deleted
        return Selection(service=self.selection.service).field_selector

    def _changed(self, kind: str, item: JsonObject) -> Iterator[ExecutionSummary | Gone]:
        version = object_of(item.get("metadata")).get("resourceVersion")
        self._version = str(version or self._version)
        if kind == "BOOKMARK":
            return
        view = execution_summary(item)
        yield from self._become(_key(view), None if kind == "DELETED" else view)

    def _become(self, key: str, view: ExecutionSummary | None) -> Iterator[ExecutionSummary | Gone]:
        before = self._seen.get(key)
        if view is None:
            if before is not None:
                del self._seen[key]
                yield Gone(before)
        elif view != before and (before is not None or self.selection.takes(view)):
            self._seen[key] = view
            yield view

    def _missed(self) -> Iterator[ExecutionSummary | Gone]:
        """Give what has changed while nobody watched; nothing while the cluster cannot be asked."""
        try:
            found = {_key(view): view for view in self._all()}
        except (httpx.TransportError, KubernetesError):
            return
        for key in list(self._seen):
            if key not in found:
                yield from self._become(key, None)
        for key, view in found.items():
            yield from self._become(key, view)

    def _all(self) -> list[ExecutionSummary]:
        items, self._version = self.api.list_at(
            SERVICE_EXECUTIONS, self.namespace, field_selector=self._field_selector
        )
        return [execution_summary(item) for item in items]


def _key(view: ExecutionSummary) -> str:
    return view.uid or f"{view.namespace}/{view.name}"
