"""What a collector says when it is done, and the commit record that follows from it. Pure."""

import hashlib
import heapq
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final, NamedTuple

from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.collect.pool_claims import PoolClaim
from serviceexecution.gateway.collect.usage_claims import UsageClaim
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.store.keys import encode_output_path
from serviceexecution.store.media_types import media_type_of
from serviceexecution.store.output_commits import COMMITTED_AT
from serviceexecution.store.records import PoolWrite, UsageSeries

MAX_FILES: Final = 50_000
MAX_DIRECTORIES: Final = 50_000
"""Each takes an inode of a directory store, as a file does, and one path may have sixty."""
MAX_SKIPPED: Final = 1_000
MAX_NAME_BYTES: Final = 40 * 1024 * 1024
"""Paths of all files of an output, and what is said of skipped ones, together: 50,000 of 800 bytes. They are in the
memory of everybody who reads the record. The collector stops earlier, and names what is more as skipped."""
MAX_SKIPPED_TEXT: Final = 20_000
MAX_REASON: Final = 1_000
MAX_COMMIT_BYTES: Final = 256 * 1024 * 1024
"""The longest text that says what is allowed: each byte of a name takes six where it is escaped (240 MiB), 110 bytes
more for each of 50,000 files (6 MiB). It is read in pieces and never held."""

_Members = dict[str, str | int]
_SORTED_AT_ONCE: Final = 2048
_PIECE_BYTES: Final = 64 * 1024


class CommittedFile(NamedTuple):
    """A file that the collector has uploaded."""

    path: str
    size: int
    sha256: bytes


class SkippedEntry(NamedTuple):
    """A file that it has not, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Commit:
    """What is to be committed. Grows while it is read, then stays."""

    files: dict[str, CommittedFile] = field(default_factory=dict)
    """By encoded path."""
    skipped: list[SkippedEntry] = field(default_factory=list)
    limit_exceeded: bool = False
    usage: UsageClaim | None = None
    pools: Mapping[str, PoolClaim] = field(default_factory=dict)
    """What is said of data pools in which the program has changed something, by property."""
    digest: str | None = None
    """SHA-256 of the list of files, once that is sorted."""
    total_bytes: int = 0
    name_bytes: int = 0

    def add(self, file: CommittedFile) -> None:
        """Add a file; raises Problem 400 or 413, InvalidOutputPathError."""
        key = encode_output_path(file.path)
        self.name_bytes += len(file.path.encode())
        if len(self.files) >= MAX_FILES:
            raise commit_too_large(f"It lists more than {MAX_FILES:,} files.")
        self._check_names()
        if key in self.files:
            raise Problem(HTTPStatus.BAD_REQUEST, "BadRequest", "A path is listed twice.")
        self.files[key] = file
        self.total_bytes += file.size

    def skip(self, entry: SkippedEntry) -> None:
        """Add a skipped file; raises Problem 413."""
        self.name_bytes += len(entry.path.encode()) + len(entry.reason.encode())
        self._check_names()
        if len(self.skipped) >= MAX_SKIPPED:
            raise commit_too_large(f"It lists more than {MAX_SKIPPED:,} skipped files.")
        self.skipped.append(entry)

    def _check_names(self) -> None:
        if self.name_bytes > MAX_NAME_BYTES:
            raise commit_too_large(f"The names of its files have more than {MAX_NAME_BYTES:,} bytes.")


def commit_too_large(detail: str) -> Problem:
    """Return a 413."""
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "CommitTooLarge", f"The commit is too long. {detail}")


def check_total(identity: CollectorIdentity, commit: Commit) -> None:
    """Raise Problem 413 when the output is larger than its limit."""
    if commit.total_bytes > identity.output_limit:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "OutputLimitExceeded",
            f"The output has {commit.total_bytes} bytes, its limit is {identity.output_limit}.",
        )


def series_of(identity: CollectorIdentity, commit: Commit) -> UsageSeries | None:
    """Return what is kept of the usage over time, None without any."""
    usage = commit.usage
    if usage is None or not usage.points:
        return None
    return UsageSeries(
        attempt=identity.attempt,
        pod_uid=identity.pod_uid,
        started_at=usage.started_at,
        cpu_limit=usage.cpu_limit,
        memory_limit=usage.memory_limit,
        points=usage.points,
    )


def sorted_steps(commit: Commit, into: list[CommittedFile]) -> Iterator[None]:
    """Sort the files by path ``into`` a list, and note the list's digest, step by step: a caller may let others work in
    between.
    """
    files = list(commit.files.values())
    runs: list[list[CommittedFile]] = []
    for start in range(0, len(files), _SORTED_AT_ONCE):
        runs.append(sorted(files[start : start + _SORTED_AT_ONCE]))
        yield
    digest = hashlib.sha256()
    for number, file in enumerate(heapq.merge(*runs)):
        into.append(file)
        digest.update(f"{file.sha256.hex()}  {file.path}\n".encode())
        if number % _SORTED_AT_ONCE == 0:
            yield
    commit.digest = digest.hexdigest()


def record_text(
    identity: CollectorIdentity, commit: Commit, files: Iterable[CommittedFile]
) -> Iterator[bytes]:
    """Give the record as OutputManifest reads it, in pieces, up to the time of the commit; ``files`` by path."""
    head: _Members = {"version": 1, "attempt": identity.attempt, "podUid": identity.pod_uid}
    yield from _pieces(_record_parts(head, commit, files))


def record_end(now: datetime, pools: Iterable[PoolWrite] = ()) -> bytes:
    """Return what follows ``record_text``: the time, and what became of data pools, which is no part of the commit."""
    written = b",".join(pool.model_dump_json(by_alias=True).encode() for pool in pools)
    time = json.dumps(now.isoformat().replace("+00:00", "Z")).encode()
    return time + b',"dataPools":[' + written + b"]}"


def _record_parts(head: _Members, commit: Commit, files: Iterable[CommittedFile]) -> Iterator[bytes]:
    yield _json(head)[:-1] + b',"files":['
    for number, file in enumerate(files):
        members: _Members = {
            "path": file.path,
            "size": file.size,
            "sha256": file.sha256.hex(),
            "mediaType": media_type_of(file.path),
        }
        text = _json(members)
        yield b"," + text if number else text
    yield b'],"skipped":['
    for number, entry in enumerate(sorted(commit.skipped)):
        text = _json({"path": entry.path, "reason": entry.reason})
        yield b"," + text if number else text
    yield b'],"totalBytes":%d,"limitExceeded":%s,"digest":%s,' % (
        commit.total_bytes,
        b"true" if commit.limit_exceeded else b"false",
        json.dumps(commit.digest).encode(),
    )
    usage = commit.usage
    yield b'"usage":%s,' % (b"null" if usage is None else usage.sums.model_dump_json(by_alias=True).encode())
    yield COMMITTED_AT


def _json(value: _Members) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    piece = bytearray()
    for part in parts:
        piece += part
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
