"""The last lines of a log: where they begin, found from its end, and then read forwards, one chunk at a time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


class Chunks(Protocol):
    """The log of one attempt; see the store's."""

    async def sizes(self) -> list[tuple[int, int]]:
        """Return sequence and size of all chunks in order; raises StoreError."""

    async def read(self, sequence: int) -> bytes:
        """Return a chunk of whole lines; raises StoreError."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The chunks that hold the last lines, and how many lines of the first one come before these."""

    sequences: tuple[int, ...] = ()
    skipped: int = 0


async def find_tail(log: Chunks, lines: int) -> Tail:
    """Return where the last ``lines`` lines are, all when there are fewer; raises StoreError."""
    found: list[int] = []
    count = 0
    for sequence, _ in reversed(await log.sizes()):
        found.append(sequence)
        count += (await log.read(sequence)).count(b"\n")
        if count >= lines:
            break
    return Tail(tuple(reversed(found)), max(0, count - lines))


async def read_tail(log: Chunks, tail: Tail) -> AsyncIterator[list[str]]:
    """Give the stored lines ``<RFC 3339 time> text``, the oldest first; raises StoreError."""
    skipped = tail.skipped
    for sequence in tail.sequences:
        texts = (await log.read(sequence)).decode(errors="replace").split("\n")[skipped:-1]
        skipped = 0
        yield texts
