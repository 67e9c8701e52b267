"""The archives that services are built from, kept once for each namespace by their SHA-256."""

import re
import secrets
from collections.abc import AsyncIterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serviceexecution.store.errors import SourceMismatchError, StoreConfigurationError
from serviceexecution.store.keys import SOURCES, check_segment
from serviceexecution.store.storage.objects import Objects, ObjectStream
from serviceexecution.store.storage.streams import write_stream

_DIGEST: Final = re.compile("[0-9a-f]{64}")

SourceKey = tuple[str, str]
"""Namespace, and SHA-256 in hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class StoredSource:
    """An archive: bytes, and when it was uploaded last."""

    size: int
    uploaded_at: datetime


class SourceStore:
    """Archives below ``<cluster id>/!sources/<namespace>/<SHA-256>``. All methods raise StoreError.

    Digests are 64 hexadecimal digits in lower case, without "sha256:"; others raise StoreConfigurationError.
    """

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._objects = objects
        self._root = f"{cluster_id}/{SOURCES}"

    async def write_source(
        self, namespace: str, digest: str, chunks: AsyncIterable[bytes], *, expected_size: int = 0
    ) -> int:
        """Keep an archive, streaming, and return its size in bytes; a repeated upload counts as a new one.

        Nothing is kept, and an earlier upload stays, when ``chunks`` raises or when the digest is another one:
        SourceMismatchError. ``expected_size`` in bytes is a hint.
        """

        def check(found: str) -> None:
            if found != digest:
                raise SourceMismatchError(
                    f"the archive's SHA-256 is {found} and not {digest}: it was changed or cut on its way"
                )

        key = self._key(namespace, digest)
        written = await write_stream(self._objects, key, chunks, expected_size=expected_size, check=check)
        await self._objects.make_durable([key])
        return written.size

    async def write_new_source(
        self, namespace: str, chunks: AsyncIterable[bytes], *, expected_size: int = 0
    ) -> str:
        """Keep an archive whose SHA-256 is known only at its end, streaming, and return that.

        Until then it has a random name of the same kind: what is left of a broken upload is an archive that nothing
        names, and goes with those. Nothing is kept when ``chunks`` raises.
        """
        arriving = self._key(namespace, secrets.token_hex(32))
        written = await write_stream(self._objects, arriving, chunks, expected_size=expected_size)
        key = self._key(namespace, written.sha256)
        await self._objects.rename(arriving, key)
        await self._objects.make_durable([key])
        return written.sha256

    async def open_source(self, namespace: str, digest: str) -> ObjectStream | None:
        """Open an archive for reading; None when it is not there."""
        return await self._objects.stream(self._key(namespace, digest))

    async def stat_source(self, namespace: str, digest: str) -> StoredSource | None:
        """Return an archive's size and time; None when it is not there."""
        found = await self._objects.stat(self._key(namespace, digest))
        return None if found is None else StoredSource(found.size, found.modified_at)

    async def list_sources(self) -> dict[SourceKey, StoredSource]:
        """Return all archives by namespace and digest."""
        found = await self._objects.list(self._root)
        sources: dict[SourceKey, StoredSource] = {}
        for name, item in found.items():
            namespace, _, digest = name.partition("/")
            if _DIGEST.fullmatch(digest):
                sources[namespace, digest] = StoredSource(item.size, item.modified_at)
        return sources

    async def delete_source(self, namespace: str, digest: str) -> None:
        """Delete an archive, if it is there."""
        await self._objects.delete([self._key(namespace, digest)])

    def _key(self, namespace: str, digest: str) -> str:
        if not _DIGEST.fullmatch(digest):
            raise StoreConfigurationError(f"digest {digest!r} must be 64 hexadecimal digits in lower case")
        return f"{self._root}/{check_segment(namespace, 'namespace')}/{digest}"
