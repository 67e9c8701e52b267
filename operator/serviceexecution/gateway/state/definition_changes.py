"""Tells those who wait that something of a service has changed. Pure: the watch is elsewhere."""

import contextlib
from collections.abc import Callable, Iterator

Listener = Callable[[], None]
"""Is called for each change, and must return at once."""


class DefinitionChanges:
    """State owner of those who listen. A change costs nothing but what those who listen to it do."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, str], set[Listener]] = {}

    @contextlib.contextmanager
    def of(self, namespace: str, name: str, listener: Listener) -> Iterator[None]:
        """Have a listener called when a service is there, has changed or is gone."""
        self._listeners.setdefault((namespace, name), set()).add(listener)
        try:
            yield
        finally:
            left = self._listeners[namespace, name]
            left.discard(listener)
            if not left:
                del self._listeners[namespace, name]

    def tell(self, namespace: str, name: str) -> None:
        """Call who listens to that service."""
        for listener in tuple(self._listeners.get((namespace, name), ())):
            listener()

    def __len__(self) -> int:
        """Return how many services somebody listens to."""
        return len(self._listeners)
