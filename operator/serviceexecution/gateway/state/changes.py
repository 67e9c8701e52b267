"""Tells those who wait of changes of executions, as they become known. Pure: the watch is elsewhere."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from serviceexecution.gateway.state.known_execution import KnownExecution

REMEMBERED: Final = 10_000
"""Deletions that are remembered, so that a stream that was cut hears of those that it has missed."""


@dataclass(frozen=True, slots=True)
class Change:
    """An execution as it is now, or as it last was, then without message, tags and usage."""

    execution: KnownExecution
    removed: bool
    version: int
    """How far the watch of its namespace had come then."""


Listener = Callable[[Change], None]
"""Is called for each change, and must return at once."""


class Changes:
    """State owner of those who listen. A change costs nothing but what those who listen to it do."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._base = 0
        self._versions: dict[str, int] = {}
        """How far the watch of a namespace has come, where that is further than ``_base``."""
        self._since: int | None = None
        self._removed: deque[Change] = deque()
        self._remembered = remembered
        self._of_execution: dict[str, set[Listener]] = {}
        self._of_namespace: dict[str, set[Listener]] = {}

    def version(self, namespace: str) -> int:
        """Return the resourceVersion up to which everything is known of the executions of a namespace.

        What we write ourselves may be known before the watch comes to it, and does not count.
        """
        return max(self._base, self._versions.get(namespace, 0))

    def reached(self, namespace: str, version: int) -> None:
        """Note how far the watch of a namespace has come."""
        if version > self.version(namespace):
            self._versions[namespace] = version

    def begin(self, namespace: str | None, version: int) -> None:
        """Note that all executions of a namespace, or all that there are, were listed as of a version."""
        self._since = version if self._since is None else self._since
        if namespace is not None:
            self.reached(namespace, version)
            return
        self._base = max(self._base, version)
        self._versions = {name: known for name, known in self._versions.items() if known > self._base}

    def put(self, execution: KnownExecution) -> None:
        """Tell of a new or changed execution."""
        self._tell(Change(execution, removed=False, version=self.version(execution.namespace)))

    def removed(self, execution: KnownExecution) -> None:
        """Tell of one that is gone."""
        named = replace(execution, message=None, tags=(), usage=None)  # What was long is not remembered
        change = Change(named, removed=True, version=self.version(execution.namespace))
        self._removed.append(change)
        if len(self._removed) > self._remembered:
            forgotten = self._removed.popleft().version
            self._since = max(self._since or 0, forgotten + 1)
        self._tell(change)

    def removed_since(self, namespace: str, version: int) -> list[Change] | None:
        """Return what was removed since a version, None when that is not known any more."""
        if self._since is None or version < self._since:
            return None
        return [
            one for one in self._removed if one.version >= version and one.execution.namespace == namespace
        ]

    @property
    def waited_for(self) -> int:
        """Return how many executions somebody waits for."""
        return len(self._of_execution)

    @contextlib.contextmanager
    def of_execution(self, uid: str, listener: Listener) -> Iterator[None]:
        """Have a listener called for each change of one execution."""
        with _listening(self._of_execution, uid, listener):
            yield

    @contextlib.contextmanager
    def of_namespace(self, namespace: str, listener: Listener) -> Iterator[None]:
        """Have a listener called for each change of any execution of a namespace."""
        with _listening(self._of_namespace, namespace, listener):
            yield

    def _tell(self, change: Change) -> None:
        execution = change.execution
        for listeners in (
            self._of_execution.get(execution.uid, ()),
            self._of_namespace.get(execution.namespace, ()),
        ):
            for listener in tuple(listeners):
                listener(change)


@contextlib.contextmanager
def _listening(listeners: dict[str, set[Listener]], key: str, listener: Listener) -> Iterator[None]:
    listeners.setdefault(key, set()).add(listener)
    try:
        yield
    finally:
        listeners[key].discard(listener)
        if not listeners[key]:
            del listeners[key]
