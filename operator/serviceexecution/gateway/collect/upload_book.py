"""What this process knows of outputs that are being collected: sizes, and the digests of what it wrote itself.

Only a cache: it is filled from the store, any replica can take over, and a commit is checked against the store.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from serviceexecution.gateway.collect.collectors import CollectorIdentity
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.store.keys import encode_output_path
from serviceexecution.store.store import ResultStore, WrittenOutput

PageKey = tuple[str, str, int]
"""Namespace, uid and attempt. The namespace, too: somebody else's objects may claim any uid."""

_MAX_EXECUTIONS: Final = 1024
_MAX_FILES: Final = 100_000
"""Over all executions; an entry takes about 300 bytes."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A stored file; ``sha256`` is None when another process wrote it."""

    size: int
    sha256: str | None
    etag: str | None


@dataclass(slots=True)
class OutputPage:
    """One attempt's output. Changed only by UploadBook and Uploads."""

    files: dict[str, KnownFile] = field(default_factory=dict)
    """By encoded path."""
    total: int = 0
    reserved: int = 0
    """Bytes that running uploads have announced."""
    in_flight: set[str] = field(default_factory=set)

    def record(self, path: str, written: WrittenOutput) -> None:
        """Note what was written."""
        self.forget(path)
        self.files[encode_output_path(path)] = KnownFile(written.file.size, written.file.sha256, written.etag)
        self.total += written.file.size

    def forget(self, path: str) -> None:
        """Note that a file was deleted."""
        known = self.files.pop(encode_output_path(path), None)
        self.total -= known.size if known else 0

    def size_of(self, path: str) -> int:
        """Return the stored size in bytes, 0 when there is none."""
        known = self.files.get(encode_output_path(path))
        return known.size if known else 0


class UploadBook:
    """The pages of the executions that were heard of last; bounded."""

    def __init__(self, store: ResultStore) -> None:
        self._store = store
        self._pages: OrderedDict[PageKey, OutputPage] = OrderedDict()
        self._opening = asyncio.Lock()

    async def page(self, identity: CollectorIdentity) -> OutputPage:
        """Return the attempt's page.

        Raises Problem 409 when its output is committed (AlreadyCommitted) or a later attempt's is
        (Superseded), StoreError.
        """
        key = _key_of(identity)
        page = self._pages.get(key)
        if page is None:
            async with self._opening:
                page = self._pages.get(key) or await self._open(identity)
                self._pages[key] = page
        self._pages.move_to_end(key)
        self._shrink(key)
        return page

    def close(self, identity: CollectorIdentity) -> None:
        """Forget the page: the output is committed."""
        self._pages.pop(_key_of(identity), None)

    async def _open(self, identity: CollectorIdentity) -> OutputPage:
        manifest = await self._store.read_manifest(identity.ref)
        if manifest is not None and manifest.attempt > identity.attempt:
            raise Problem(HTTPStatus.CONFLICT, "Superseded", "A later attempt's output is committed.")
        if manifest is not None and manifest.attempt == identity.attempt:
            raise Problem(HTTPStatus.CONFLICT, "AlreadyCommitted", "This output is committed.")
        stored = await self._store.list_outputs(identity.ref, attempt=identity.attempt)
        files = {key: KnownFile(item.size, None, item.etag) for key, item in stored.items()}
        return OutputPage(files, sum(item.size for item in files.values()))

    def _shrink(self, keep: PageKey) -> None:
        files = sum(len(page.files) for page in self._pages.values()) if len(self._pages) > 1 else 0
        for key in list(self._pages):
            if len(self._pages) <= _MAX_EXECUTIONS and files <= _MAX_FILES:
                return
            if key != keep and not self._pages[key].in_flight:
                files -= len(self._pages.pop(key).files)


def _key_of(identity: CollectorIdentity) -> PageKey:
    return identity.ref.namespace, identity.ref.uid, identity.attempt
