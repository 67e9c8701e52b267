"""From one state of a data pool to the next. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from serviceexecution.store.pools.records import (
    IndexRoot,
    PoolFile,
    PoolIndex,
    Shard,
    encoded,
    shard_of,
    total,
)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the file of an id: it is put, or removed when ``file`` is None."""

    id: str
    file: PoolFile | None = None

    @classmethod
    def put(cls, file: PoolFile) -> "Change":
        """Return the change that adds a file or replaces it."""
        return cls(file.id, file)


@dataclass(frozen=True, slots=True)
class NextIndex:
    """A state of a data pool that is not written yet."""

    index: PoolIndex
    shards: Mapping[str, bytes]
    """Digest and text of the shards that the earlier state has not."""
    root: bytes
    """Text of the root; "" when nothing changes."""


def shards_touched(changes: Collection[Change]) -> frozenset[str]:
    """Return the numbers of the shards that the changes need."""
    return frozenset(shard_of(change.id) for change in changes)


def next_index(
    before: PoolIndex, shards: Mapping[str, Shard], changes: Collection[Change], *, nonce: str
) -> NextIndex:
    """Return the state after the changes, of which a later one of the same file counts.

    ``shards`` holds those of ``before`` that ``shards_touched`` names, as far as there are any; ``nonce`` is a new
    random text. Changes that change nothing give ``before`` again.
    """
    listed = dict(before.root.shards)
    written: dict[str, bytes] = {}
    files, size = before.files, before.bytes
    by_shard: dict[str, list[Change]] = {}
    for change in changes:
        by_shard.setdefault(shard_of(change.id), []).append(change)
    for number, some in sorted(by_shard.items()):
        old = {file.id: file for file in shards[number].files} if number in shards else {}
        new = dict(old)
        for change in some:
            if change.file is None:
                new.pop(change.id, None)
            else:
                new[change.id] = change.file
        if new == old:
            continue
        files += len(new) - len(old)
        size += total(new.values()) - total(old.values())
        listed.pop(number, None)
        if new:
            digest, text = encoded(Shard(nonce=nonce, files=tuple(new[key] for key in sorted(new))))
            written[digest] = text
            listed[number] = digest
    if listed == before.root.shards:
        return NextIndex(before, {}, b"")
    root = IndexRoot(
        nonce=nonce,
        previous=before.digest,
        files=files,
        bytes=size,
        shards={number: listed[number] for number in sorted(listed)},
    )
    digest, text = encoded(root)
    return NextIndex(PoolIndex(digest, root), written, text)
