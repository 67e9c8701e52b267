"""Uploads what is below the output directory, as often as needed, and commits it."""

from __future__ import annotations

import errno
import os
import stat

from .commit_body import commit_body
from .gateway_client import ChangedError, GatewayClient, MismatchError, RefusedError
from .ledger import Ledger, stamp_of
from .log import log
from .walk import Found, Skipped, reason_of, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from .settings import Settings

MAX_SKIPPED: Final = 1000  # As the gateway's
MAX_NAME_BYTES: Final = 36 * 1024 * 1024
"""Paths of all files together; the gateway takes 40 MiB, what is said of skipped files included."""
MAX_KEPT_BYTES: Final = 10 * 1024 * 1024
"""What is kept of them in memory: 40,000 files in one directory whose names are as long as can be."""
_LONGEST_TEXT: Final = 512
"""Of a skipped file's path and reason. A thousand of them are in memory and in the commit, which takes 1,000 characters
of a reason, and the gateway's may name a path of 4,096."""
_TRIES: Final = 3
_MISMATCHES: Final = 5
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class Collection:
    """What has been uploaded so far. ``limit_exceeded`` and ``skipped`` are those of the last pass."""

    def __init__(self, settings: Settings, gateway: GatewayClient) -> None:
        self._settings = settings
        self._gateway = gateway
        self._uploaded = Ledger()
        self._earlier = Ledger()
        self.skipped: list[tuple[str, str]] = []
        self.skipped_count = 0
        self.limit_exceeded = False
        self.usage: dict[str, object] | None = None
        """What main has used, as it is told with the commit."""
        self.data_pools: list[dict[str, str]] = []
        """What main has changed in data pools, as it is told with the commit."""

    @property
    def file_count(self) -> int:
        """Number of files uploaded."""
        return len(self._uploaded)

    @property
    def total_bytes(self) -> int:
        """Their size together."""
        return self._uploaded.total_bytes

    def run_pass(self, *, final: bool) -> None:
        """Bring the store up to date with the directory. In the final pass a file that changes while it is
        sent is sent again. Raises AlreadyCommittedError, GaveUpError."""
        self._earlier, self._uploaded = self._uploaded, Ledger()
        self.skipped, self.skipped_count, self.limit_exceeded = [], 0, False
        for item in walk(self._settings.output_directory, self._settings.max_files + MAX_SKIPPED):
            if isinstance(item, Skipped):
                self._skip(item.path, item.reason)
            elif len(self._uploaded) >= self._settings.max_files:
                self._skip(item.path, f"more than {self._settings.max_files} files")
            elif self._names_fit(item.path):
                known = self._take(item, final=final)
                if known is not None:
                    self._uploaded.add(item.path, *known, like=self._earlier)
        if final:
            self._delete_earlier()

    def commit(self) -> None:
        """Commit the last pass; uploads again what the gateway turns out not to have."""
        for _ in range(_MISMATCHES):
            try:
                self._gateway.commit(self._commit_body)
            except MismatchError as error:
                log("a file is uploaded again", path=error.path)
                self._uploaded.doubt(error.path)
                self.run_pass(final=True)
            else:
                return
        raise MismatchError("again and again")

    def _commit_body(self) -> Iterator[bytes]:
        files = ((path, size, digest.hex()) for path, size, digest in self._uploaded.files())
        return commit_body(
            files,
            self.skipped,
            limit_exceeded=self.limit_exceeded,
            usage=self.usage,
            data_pools=self.data_pools,
        )

    def _take(self, item: Found, *, final: bool) -> tuple[bytes, int, bytes] | None:
        """Upload a file unless an earlier pass did; returns stamp, size and SHA-256, None when it was skipped."""
        try:
            descriptor = os.open(item.name, _OPEN_FLAGS, dir_fd=item.directory)
        except OSError as error:
            reason = "symbolic links are not followed" if error.errno == errno.ELOOP else reason_of(error)
            self._skip(item.path, reason)
            return None
        try:
            for last in (*[False] * (_TRIES - 1), True):
                before = os.fstat(descriptor)
                if not stat.S_ISREG(before.st_mode):
                    self._skip(item.path, "it is not a regular file any more")
                    return None
                stamp = stamp_of(before)
                known = self._earlier.find(item.path)
                if known is not None and known[0] == stamp:
                    return known
                if not self._fits(item.path, before.st_size):
                    return None
                try:
                    digest = self._put(item.path, descriptor, before.st_size)
                except ChangedError:
                    continue
                if last or not final or stamp_of(os.fstat(descriptor)) == stamp:
                    return stamp, before.st_size, digest
            self._skip(item.path, "it kept changing while it was collected")
        except RefusedError as error:
            self.limit_exceeded = self.limit_exceeded or error.status == 413
            self._skip(item.path, str(error))
        except OSError as error:
            self._skip(item.path, reason_of(error))
        finally:
            os.close(descriptor)
        return None

    def _put(self, path: str, descriptor: int, size: int) -> bytes:
        try:
            return self._gateway.put_file(path, descriptor, size)
        except RefusedError as error:
            if error.status != 413 or not len(self._earlier):
                raise
        # What is still stored from the earlier pass takes the room: what is left of it comes again
        self._delete_earlier()
        return self._gateway.put_file(path, descriptor, size)

    def _delete_earlier(self) -> None:
        """Delete what an earlier pass has uploaded and this one has not."""
        for path, _, _ in self._earlier.files():
            if path not in self._uploaded:
                self._gateway.delete_file(path)
        self._earlier = Ledger()

    def _names_fit(self, path: str) -> bool:
        uploaded = self._uploaded
        if (
            uploaded.name_bytes + len(path.encode()) <= MAX_NAME_BYTES
            and uploaded.kept_bytes + uploaded.new_bytes(path) <= MAX_KEPT_BYTES
        ):
            return True
        self._skip(path, "the names of all files together are too long")
        return False

    def _fits(self, path: str, size: int) -> bool:
        limit = self._settings.output_limit
        if limit is None or self._uploaded.total_bytes + size <= limit:
            return True
        self.limit_exceeded = True
        self._skip(path, f"with its {size} bytes the output would be larger than its limit of {limit} bytes")
        return False

    def _skip(self, path: str, reason: str) -> None:
        self.skipped_count += 1
        path, reason = _cut(path), _cut(reason)
        if len(self.skipped) < MAX_SKIPPED:
            self.skipped.append((path, reason))
        else:
            more = self.skipped_count - MAX_SKIPPED + 1
            self.skipped[-1] = (path, f"and {more} more files were not collected")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
