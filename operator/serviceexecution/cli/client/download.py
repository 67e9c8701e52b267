"""Downloads that go on where they were cut, and are checked by their SHA-256."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, Literal

import httpx

from serviceexecution.cli.client.channel import TRIES, Channel, RefusedError
from serviceexecution.cli.client.places import (
    ETAG,
    PART,
    is_caseless,
    part_suffix,
    prepare,
    shortened,
    targets_of,
)
from serviceexecution.cli.errors import CommandError

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_ENTITY_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,256}"')


def download_all(channel: Channel, files: Mapping[str, str], directory: Path) -> Iterator[tuple[str, int]]:
    """Fetch files, path → URL path, into a directory; give path and size of each when it is there.

    Nothing is written outside of the directory. Raises CommandError, httpx.HTTPError.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        caseless = is_caseless(directory)
    except OSError as error:
        raise CommandError(f"{directory} is no folder that can be written to: {error.strerror}.") from None
    suffix = part_suffix(files)
    for path, target in targets_of(directory, files, caseless=caseless).items():
        prepare(directory, target)
        yield path, download(channel, files[path], target, suffix=suffix)


def download(channel: Channel, path: str, target: Path, *, suffix: str = PART) -> int:
    """Fetch ``path`` into ``target`` and return its size in bytes; raises CommandError, httpx.HTTPError.

    What has come stays in ``<target>.part`` until all of it is there.
    """
    part = target.with_name(shortened(target.name, suffix))
    etag_file = target.with_name(shortened(target.name, suffix + ETAG))
    for tries in range(1, TRIES + 1):
        try:
            digest = _fetch(channel, path, part, etag_file)
        except httpx.TransportError:
            if tries == TRIES:
                raise
            channel.wait(tries)
            continue
        except OSError as error:
            raise CommandError(
                f"{target} cannot be written: {error.strerror}. What has come is kept; the same command goes on from "
                "there."
            ) from None
        if digest is not None and _sha256(part) != digest:
            part.unlink()
            etag_file.unlink(missing_ok=True)
            if tries == TRIES:
                raise CommandError(f"{target.name} arrives with other content than the service says.")
            continue
        break
    if target.is_dir():
        raise CommandError(f"{target} is a folder, so the file of that name has no place.")
    part.replace(target)
    etag_file.unlink(missing_ok=True)
    return target.stat().st_size


def _fetch(channel: Channel, path: str, part: Path, etag_file: Path) -> str | None:
    """Fetch what is missing of ``part``; return the SHA-256 if the entity tag is one."""
    headers: dict[str, str] = {}
    have = part.stat().st_size if part.is_file() else 0
    known = _stored_tag(etag_file)
    if have and known:
        headers = {"Range": f"bytes={have}-", "If-Range": known}
    try:
        with channel.stream("GET", path, headers=headers) as answer:
            etag = answer.headers.get("etag", "")
            with _opened(etag_file, "wb") as file:
                file.write(etag.encode(errors="replace"))
            with _opened(part, "ab" if answer.status_code == httpx.codes.PARTIAL_CONTENT else "wb") as file:
                for chunk in answer.iter_bytes():  # As they come: what came before a cut is kept
                    file.write(chunk)
    except RefusedError as error:
        if error.status != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE or not headers:
            raise
        etag = known  # All of it is there
    digest = etag.strip('"')
    return digest if _DIGEST.fullmatch(digest) else None


def _stored_tag(file: Path) -> str:
    """Return the entity tag that an earlier try has left, "" for none."""
    if not file.is_file() or file.is_symlink():
        return ""
    text = file.read_bytes()[:1024].decode(errors="replace")
    return text if _ENTITY_TAG.fullmatch(text) else ""


def _opened(path: Path, mode: Literal["ab", "wb"]) -> BinaryIO:
    """Open a file of ours; raises CommandError for a link, which may lead anywhere."""
    flags = os.O_CREAT | os.O_WRONLY | (os.O_APPEND if mode == "ab" else os.O_TRUNC)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    if path.is_symlink():
        raise CommandError(f"{path} is a link: nothing is written through it.")
    try:
        return os.fdopen(os.open(path, flags, 0o666), mode)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
