"""Memory that namespaces share: whoever fills it gives up his own. Pure."""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")


class FairRoom:
    """Counts bytes by namespace, up to a limit of all together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._total = 0
        self._held: Counter[str] = Counter()

    def add(self, namespace: str, size: int) -> None:
        """Count ``size`` bytes more, or with a minus less."""
        self._total += size
        self._held[namespace] += size
        if self._held[namespace] <= 0:
            del self._held[namespace]

    def who_must_give(self) -> str | None:
        """Return the namespace that holds most when the limit is passed, None while it is not."""
        if self._total <= self._limit or not self._held:
            return None
        return max(self._held, key=self._held.__getitem__)


class FairCache(Generic[V]):
    """Values by namespace and name, of bounded bytes together.

    What is too much goes from the namespace that holds most, and there what was used longest ago.
    """

    def __init__(self, limit: int) -> None:
        self._room = FairRoom(limit)
        self._values: dict[str, OrderedDict[str, tuple[V, int]]] = {}

    def get(self, namespace: str, name: str) -> V | None:
        """Return the value, which counts as used now."""
        values = self._values.get(namespace)
        found = None if values is None else values.get(name)
        if values is None or found is None:
            return None
        values.move_to_end(name)
        return found[0]

    def put(self, namespace: str, name: str, value: V, size: int) -> None:
        """Keep a value of ``size`` bytes, in place of the one that had its name."""
        self.drop(namespace, name)
        self._values.setdefault(namespace, OrderedDict())[name] = (value, size)
        self._room.add(namespace, size)
        while (largest := self._room.who_must_give()) is not None:
            self.drop(largest, next(iter(self._values[largest])))

    def drop(self, namespace: str, name: str) -> None:
        """Forget the value."""
        values = self._values.get(namespace)
        found = None if values is None else values.pop(name, None)
        if values is None or found is None:
            return
        self._room.add(namespace, -found[1])
        if not values:
            del self._values[namespace]

    def items(self, namespace: str | None) -> Iterator[tuple[str, str, V]]:
        """Give namespace, name and value of all, or of one namespace; nothing may change meanwhile."""
        for of in list(self._values) if namespace is None else [namespace]:
            for name, (value, _) in self._values.get(of, {}).items():
                yield of, name, value

    def __len__(self) -> int:
        return sum(len(values) for values in self._values.values())
