"""The texts of small executions that have not ended, so that a pass need not ask the API server for them."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

BUDGET_BYTES: Final = 48 * 1024**2
"""All of them together: some 6,000 common ones. Beyond that, those that were used longest ago are read anew."""


@dataclass(slots=True)
class SmallTexts(Generic[Key]):
    """Texts by key, the one that was used last at the end."""

    budget: int = BUDGET_BYTES
    _texts: OrderedDict[Key, bytes] = field(default_factory=OrderedDict)
    size: int = 0
    """Bytes of all texts."""

    def get(self, key: Key) -> bytes | None:
        """Return the text, which is then the last to go."""
        text = self._texts.get(key)
        if text is not None:
            self._texts.move_to_end(key)
        return text

    def put(self, key: Key, text: bytes | None) -> None:
        """Keep a text in place of the one before; None forgets that."""
        self.size -= len(self._texts.pop(key, b""))
        if text is None:
            return
        self._texts[key] = text
        self.size += len(text)
        while self.size > self.budget:
            _, gone = self._texts.popitem(last=False)
            self.size -= len(gone)
