"""Uploads what is below the output directory, as often as needed, and commits it."""

from __future__ import annotations

import errno
import os
import stat
import struct

from .gateway_client import ChangedError, GatewayClient, MismatchError, RefusedError, commit_body
from .log import log
from .walk import Found, Skipped, reason_of, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .settings import Settings

MAX_SKIPPED = 1000  # as the gateway's
_TRIES = 3
_MISMATCHES = 5
_OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_STAMP = struct.Struct("=QQqq")
_STAMP_SIZE = _STAMP.size
_SIZE = struct.Struct("=Q")


class Collection:
    """What has been uploaded so far. ``limit_exceeded`` and ``skipped`` are those of the last pass."""

    def __init__(self, settings: Settings, gateway: GatewayClient) -> None:
        self._settings = settings
        self._gateway = gateway
        # By path: stamp of the file, size sent, SHA-256, packed: tens of thousands of files must fit
        self._uploaded: dict[str, bytes] = {}
        self.skipped: list[tuple[str, str]] = []
        self.skipped_count = 0
        self.limit_exceeded = False

    @property
    def file_count(self) -> int:
        """Number of files uploaded."""
        return len(self._uploaded)

    @property
    def total_bytes(self) -> int:
        """Their size together."""
        return sum(size for _, size, _ in self._files())

    def run_pass(self, *, final: bool) -> None:
        """Bring the store up to date with the directory. In the final pass a file that changes while it is
        sent is sent again. Raises AlreadyCommittedError, GaveUpError."""
        earlier, self._uploaded = self._uploaded, {}
        self.skipped, self.skipped_count, self.limit_exceeded = [], 0, False
        total = 0
        for item in walk(self._settings.output_directory, self._settings.max_files + MAX_SKIPPED):
            if isinstance(item, Skipped):
                self._skip(item.path, item.reason)
            elif len(self._uploaded) >= self._settings.max_files:
                self._skip(item.path, f"more than {self._settings.max_files} files")
            else:
                known = self._take(item, earlier, total, final=final)
                if known is not None:
                    self._uploaded[item.path] = known
                    total += _size_of(known)
        if final:
            self._delete(earlier)

    def commit(self) -> None:
        """Commit the last pass; uploads again what the gateway turns out not to have."""
        for _ in range(_MISMATCHES):
            body = commit_body(self._files_in_hex(), self.skipped, limit_exceeded=self.limit_exceeded)
            try:
                self._gateway.commit(body)
            except MismatchError as error:
                log("a file is uploaded again", path=error.path)
                self._uploaded.pop(error.path, None)
                self.run_pass(final=True)
            else:
                return
        raise MismatchError("again and again")

    def _take(self, item: Found, earlier: dict[str, bytes], total: int, *, final: bool) -> bytes | None:
        """Upload a file unless an earlier pass did, and take it out of ``earlier``; None when it was skipped."""
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
                stamp = _stamp(before)
                if earlier.get(item.path, b"")[:_STAMP_SIZE] == stamp:
                    return earlier.pop(item.path)
                if not self._fits(item.path, before.st_size, total):
                    return None
                try:
                    digest = self._put(item.path, descriptor, before.st_size, earlier)
                except ChangedError:
                    continue
                if last or not final or _stamp(os.fstat(descriptor)) == stamp:
                    earlier.pop(item.path, None)
                    return stamp + _SIZE.pack(before.st_size) + digest
            self._skip(item.path, "it kept changing while it was collected")
        except RefusedError as error:
            self.limit_exceeded = self.limit_exceeded or error.status == 413
            self._skip(item.path, str(error))
        except OSError as error:
            self._skip(item.path, reason_of(error))
        finally:
            os.close(descriptor)
        return None

    def _put(self, path: str, descriptor: int, size: int, earlier: dict[str, bytes]) -> bytes:
        try:
            return self._gateway.put_file(path, descriptor, size)
        except RefusedError as error:
            if error.status != 413 or not earlier:
                raise
        # what is still stored from the earlier pass takes the room: what is left of it comes again
        self._delete(earlier)
        return self._gateway.put_file(path, descriptor, size)

    def _delete(self, earlier: dict[str, bytes]) -> None:
        for path in list(earlier):
            self._gateway.delete_file(path)
            del earlier[path]

    def _fits(self, path: str, size: int, total: int) -> bool:
        limit = self._settings.output_limit
        if limit is None or total + size <= limit:
            return True
        self.limit_exceeded = True
        self._skip(path, f"with its {size} bytes the output would be larger than its limit of {limit} bytes")
        return False

    def _skip(self, path: str, reason: str) -> None:
        self.skipped_count += 1
        if len(self.skipped) < MAX_SKIPPED:
            self.skipped.append((path, reason))
        else:
            more = self.skipped_count - MAX_SKIPPED + 1
            self.skipped[-1] = (path, f"and {more} more files were not collected")

    def _files(self) -> Iterator[tuple[str, int, bytes]]:
        for path, known in self._uploaded.items():
            yield path, _size_of(known), known[_STAMP_SIZE + _SIZE.size :]

    def _files_in_hex(self) -> Iterator[tuple[str, int, str]]:
        for path, size, digest in self._files():
            yield path, size, digest.hex()


def _stamp(status: os.stat_result) -> bytes:
    return _STAMP.pack(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _size_of(known: bytes) -> int:
    size: int = _SIZE.unpack_from(known, _STAMP_SIZE)[0]
    return size
