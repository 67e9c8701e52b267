"""One tar.gz that is the same, byte for byte, whenever the selected content is the same."""

import gzip
import hashlib
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.pack.select import PackedFile
from serviceexecution.cli.sizes import shown_size

ARCHIVE_LIMIT: Final = 100 * 1024 * 1024
"""Most bytes of an archive, the gateway's own default."""
_TIME: Final = 499162500
"""Of every file, 1985-10-26 as npm has it: zip files, which some builds make, know nothing before 1980."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A packed project."""

    path: Path
    digest: str
    """SHA-256 in hexadecimal digits."""
    size: int


def write_archive(
    root: Path,
    files: list[PackedFile],
    target: Path,
    *,
    limit: int = ARCHIVE_LIMIT,
    progress: Callable[[int], None] = lambda _: None,
) -> Archive:
    """Pack files into ``target``; raises CommandError above ``limit`` bytes or when a file cannot be read.

    Owners, times and all rights but the owner's to execute are dropped. ``progress`` hears of bytes that were read.
    """
    try:
        with target.open("wb") as file:
            out = _Counted(file, limit, files)
            with (
                gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0, compresslevel=6) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
            ):
                done = 0
                for entry in files:
                    _add(tar, root, entry)
                    done += entry.size
                    progress(done)
        return Archive(target, out.digest.hexdigest(), out.size)
    except OSError as error:
        raise CommandError(f"The project cannot be packed: {error}.") from None


def _add(tar: tarfile.TarFile, root: Path, entry: PackedFile) -> None:
    info = tarfile.TarInfo(entry.path)
    info.mtime = _TIME
    info.mode = 0o755 if entry.executable else 0o644
    if entry.link is not None:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
        tar.addfile(info)
        return
    info.size = entry.size
    with (root / entry.path).open("rb") as source:
        tar.addfile(info, source)


class _Counted:
    """Passes on what is written, counts and hashes it."""

    def __init__(self, file: IO[bytes], limit: int, files: list[PackedFile]) -> None:
        self._file = file
        self._limit = limit
        self._files = files
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        if self.size > self._limit:
            raise CommandError(_too_large(self._files, self._limit))
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _too_large(files: list[PackedFile], limit: int) -> str:
    largest = sorted(files, key=lambda file: file.size, reverse=True)[:3]
    telling = [file for file in largest if file.size * 10 >= largest[0].size]
    shown = ", ".join(f"{file.path} ({shown_size(file.size)})" for file in telling)
    return (
        f"The packed project is larger than {shown_size(limit)}; use .dockerignore to leave out what a build does "
        f"not need, or put data into a data pool. The largest files: {shown}."
    )
