"""A queue of queues: keys take turns, and what one key has waiting stays in its order."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class Rotation(Generic[Key, Item]):
    """Hands out one item of each key in turn (round robin). Every call takes time that does not grow with the number
    of items; ``take`` may look at each key once when ``allowed`` refuses keys. Items are hashable; an item waits once.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[Key, OrderedDict[Item, None]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def waiting(self, key: Key) -> int:
        """Return how many items of ``key`` wait."""
        queue = self._waiting.get(key)
        return 0 if queue is None else len(queue)

    def any(self, allowed: Callable[[Key], bool]) -> bool:
        """Tell whether ``take`` would find something."""
        return any(allowed(key) for key in self._waiting)

    def add(self, key: Key, item: Item) -> None:
        """Put ``item`` behind what ``key`` has waiting; a key that had nothing comes last in the rotation."""
        queue = self._waiting.setdefault(key, OrderedDict())
        self._length += item not in queue
        queue[item] = None

    def take(self, allowed: Callable[[Key], bool] = lambda _: True) -> tuple[Key, Item] | None:
        """Take the next item of the first key that is ``allowed``; None when there is none."""
        key = next((key for key in self._waiting if allowed(key)), None)
        if key is None:
            return None
        queue = self._waiting[key]
        item, _ = queue.popitem(last=False)
        self._length -= 1
        if queue:
            self._waiting.move_to_end(key)
        else:
            del self._waiting[key]
        return key, item

    def remove(self, key: Key, item: Item) -> None:
        """Take back an item that waits no more; nothing happens when it does not wait."""
        queue = self._waiting.get(key)
        if queue is None or item not in queue:
            return
        del queue[item]
        self._length -= 1
        if not queue:
            del self._waiting[key]
