"""What attempts of executions have brought for the state of a data pool that they write, until it is the pool's.

Each upload leaves an empty object whose name says what was stored where. Any gateway therefore knows what there is, and
the sweep leaves it alone while the execution has not ended.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from serviceexecution.fairness.work import THREADS
from serviceexecution.store.pools.keys import PoolKeys, PoolReference, PoolWriter
from serviceexecution.store.storage.objects import Objects

_UPLOAD: Final = re.compile(r"([0-9a-f-]{36})\.([0-9a-f]{32})\.([0-9a-f]{64})\.(\d{1,19})")
_INDEX: Final = re.compile(r"index\.([0-9a-f]{64})")


class BroughtFile(NamedTuple):
    """Content that was brought for the file of an id: its SHA-256 in hexadecimal digits, and its bytes."""

    id: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Brought:
    """All that an attempt has brought."""

    blobs: dict[BroughtFile, str]
    """Where the content is."""
    indexes: frozenset[str]
    """Digests of the states that were put together from it."""
    bytes: int
    """Size of all content, also of what was brought twice."""
    uploads: int
    """How often content was brought."""


class PoolWrites:
    """Knows what was brought. All methods raise StoreError."""

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._objects = objects
        self._cluster_id = cluster_id

    async def add(self, pool: PoolReference, writer: PoolWriter, file: BroughtFile, blob: str) -> None:
        """Note content that is stored."""
        await self._put(pool, writer, f"{file.id}.{blob}.{file.sha256}.{file.size}")

    async def add_index(self, pool: PoolReference, writer: PoolWriter, digest: str) -> None:
        """Note that a state was put together from what was brought, before it is written."""
        await self._put(pool, writer, f"index.{digest}")

    async def brought(self, pool: PoolReference, writer: PoolWriter) -> Brought:
        """Return all that the attempt has brought."""
        names = await self._objects.list(self._keys(pool).writes(writer))
        # As many as a pool may have files, and twice that
        return await THREADS.run(pool.namespace, brought_by, names)

    async def earlier_states(self, pool: PoolReference, writer: PoolWriter) -> frozenset[str]:
        """Return the digests of states that earlier attempts of the same execution have put together."""
        names = await self._objects.list(self._keys(pool).writes_of(writer.execution))
        return await THREADS.run(pool.namespace, _states_before, names, writer.attempt)

    async def forget(self, pool: PoolReference, writer: PoolWriter, written: str = "") -> None:
        """Forget what was brought, which is used by an index now, or by none.

        ``written`` is the state that has become the pool's: a later attempt of the execution may take its place.
        """
        prefix = self._keys(pool).writes(writer)
        names = [name for name in await self._objects.list(prefix) if name != f"index.{written}"]
        await self._objects.delete([f"{prefix}/{name}" for name in names])

    async def _put(self, pool: PoolReference, writer: PoolWriter, name: str) -> None:
        await self._objects.put(f"{self._keys(pool).writes(writer)}/{name}", b"")

    def _keys(self, pool: PoolReference) -> PoolKeys:
        return PoolKeys(self._cluster_id, pool)


def brought_by(names: Iterable[str]) -> Brought:
    """Return what the names of these objects say. Pure."""
    blobs: dict[BroughtFile, str] = {}
    indexes: set[str] = set()
    size = uploads = 0
    for name in names:
        if (found := _UPLOAD.fullmatch(name)) is not None:
            file = BroughtFile(found[1], found[3], int(found[4]))
            blobs[file] = found[2]
            size += file.size
            uploads += 1
        elif (found := _INDEX.fullmatch(name)) is not None:
            indexes.add(found[1])
    return Brought(blobs, frozenset(indexes), size, uploads)


def _states_before(names: Iterable[str], attempt: int) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        number, _, rest = name.partition("/")
        index = _INDEX.fullmatch(rest)
        if index is not None and number.isdecimal() and int(number) < attempt:
            found.add(index[1])
    return frozenset(found)
