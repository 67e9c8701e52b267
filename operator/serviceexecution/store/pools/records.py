"""What an index of a data pool consists of: the files, the shards that list them, and the root that lists the shards.

A root of a pool with 10,000 files has some 9 KB, and a shard some 25 KB: one more file writes these two.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID, uuid5

from pydantic import Field, ValidationError

from serviceexecution.store.errors import CorruptRecordError
from serviceexecution.store.records import Record

SHARDS: Final = 128
"""The two parts that one more file writes are together smallest near this number, for 10,000 files."""


class PoolFile(Record):
    """One file of a data pool."""

    name: str
    """As it was uploaded; one file of a pool has it."""
    id: str
    """UUIDv5 of the pool's uid and the name: it stays when the content is replaced."""
    sha256: str
    size: int
    content_type: str
    created_at: datetime
    """When this content came."""
    blob: str
    """Where in the pool the content is."""


class Shard(Record):
    """Some of the files of an index, sorted by id."""

    version: int = 1
    nonce: str
    """Random, so that no shard has the digest of another one."""
    files: tuple[PoolFile, ...] = ()


class IndexRoot(Record):
    """A state of a data pool as a whole."""

    version: int = 1
    nonce: str = ""
    """Random, so that no root has the digest of another one."""
    previous: str | None = None
    """Digest of the state that this one was made from."""
    files: int = 0
    bytes: int = 0
    """Size of all files together."""
    shards: dict[str, str] = Field(default_factory=dict)
    """Number of each shard that has files, in two hexadecimal digits, and its SHA-256."""


_Part = TypeVar("_Part", Shard, IndexRoot)


@dataclass(frozen=True, slots=True)
class PoolIndex:
    """A state of a data pool: its root, and the digest by which it is known."""

    digest: str | None = None
    """SHA-256 of the root; None for the pool that has never had a file."""
    root: IndexRoot = field(default_factory=IndexRoot)

    @property
    def files(self) -> int:
        """Return how many files it has."""
        return self.root.files

    @property
    def bytes(self) -> int:
        """Return the size of all files together."""
        return self.root.bytes


def file_id(pool_uid: str, name: str) -> str:
    """Return the id of the file of that name: the same on every gateway."""
    return str(uuid5(UUID(pool_uid), name))


def shard_of(identifier: str) -> str:
    """Return the number of the shard that lists the file of that id, which is a UUID."""
    return f"{int(identifier[:2], 16) % SHARDS:02x}"


def encoded(record: Shard | IndexRoot) -> tuple[str, bytes]:
    """Return the digest of a part of an index, and its text."""
    text = record.model_dump_json(by_alias=True).encode()
    return hashlib.sha256(text).hexdigest(), text


def decoded(kind: type[_Part], digest: str, text: bytes) -> _Part:
    """Return the part of an index; raises CorruptRecordError when it is not the one of that digest."""
    try:
        if hashlib.sha256(text).hexdigest() == digest:
            return kind.model_validate_json(text)
    except ValidationError as error:
        raise _corrupt(digest) from error
    raise _corrupt(digest)


def _corrupt(digest: str) -> CorruptRecordError:
    return CorruptRecordError(f"cannot read a data pool's index: {digest} is damaged")


def total(files: Iterable[PoolFile]) -> int:
    """Return the size of these files together."""
    return sum(file.size for file in files)
