"""A queue that many payers share: groups take turns, in each group names, of each name its parts."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from serviceexecution.fairness.payers import Payer
from serviceexecution.fairness.rotation import Rotation

Item = TypeVar("Item")


class Shares(Generic[Item]):
    """Items of payers, handed out one of each in turn. What a call costs does not grow with the number of items."""

    def __init__(self) -> None:
        self._groups: OrderedDict[str, OrderedDict[str, Rotation[str, Item]]] = OrderedDict()
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def waiting(self, payer: Payer) -> int:
        """Return how many items of the payer's account wait."""
        return self._waiting[payer.account]

    def add(self, payer: Payer, item: Item) -> None:
        """Put ``item`` behind what the payer has waiting."""
        names = self._groups.setdefault(payer.group, OrderedDict())
        names.setdefault(payer.name, Rotation()).add(payer.part, item)
        self._count(payer.account, 1)

    def take(self, allowed: Callable[[tuple[str, str]], bool] = lambda _: True) -> Item | None:
        """Take the next item of an account that is ``allowed``; None when there is none.

        Accounts that are not are looked at one by one.
        """
        for group, names in self._groups.items():
            name = next((name for name in names if allowed((group, name))), None)
            if name is None:
                continue
            taken = names[name].take()
            assert taken is not None  # noqa: S101 - names without items are dropped
            self._count((group, name), -1)
            self._tidy(group, name)
            return taken[1]
        return None

    def remove(self, payer: Payer, item: Item) -> None:
        """Take back an item that waits no more; nothing happens when it does not wait."""
        names = self._groups.get(payer.group, OrderedDict())
        parts = names.get(payer.name)
        if parts is None:
            return
        before = len(parts)
        parts.remove(payer.part, item)
        self._count(payer.account, len(parts) - before)
        if not parts:
            self._tidy(payer.group, payer.name)

    def _tidy(self, group: str, name: str) -> None:
        """Let others come before an account that had its turn; drop what has nothing left."""
        names = self._groups[group]
        if names[name]:
            names.move_to_end(name)
        else:
            del names[name]
        if names:
            self._groups.move_to_end(group)
        else:
            del self._groups[group]

    def _count(self, account: tuple[str, str], change: int) -> None:
        self._length += change
        self._waiting[account] += change
        if not self._waiting[account]:
            del self._waiting[account]
