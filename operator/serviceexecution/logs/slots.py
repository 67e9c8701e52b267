"""How many logs one process follows by open streams."""

import contextlib
from collections.abc import Iterator


class StreamSlots:
    """State owner of the free places for open streams."""

    def __init__(self, limit: int) -> None:
        self._free = limit

    @contextlib.contextmanager
    def taken(self, *, wanted: bool = True) -> Iterator[bool]:
        """Give True and a place that is free again afterwards, or False when there is none or none is wanted."""
        if not wanted or self._free <= 0:
            yield False
            return
        self._free -= 1
        try:
            yield True
        finally:
            self._free += 1
