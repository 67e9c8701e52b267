"""Downloads that go on where they were cut, and are checked by their SHA-256."""

import hashlib
from pathlib import Path, PurePosixPath
from typing import Final

import httpx

from serviceexecution.cli.client.channel import TRIES, Channel, RefusedError
from serviceexecution.cli.errors import CommandError

_PART: Final = ".part"


def download(channel: Channel, path: str, target: Path) -> int:
    """Fetch ``path`` into ``target`` and return its size in bytes; raises CommandError, httpx.HTTPError.

    What has come stays in ``<target>.part`` until all of it is there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + _PART)
    etag_file = target.with_name(target.name + _PART + ".etag")
    for tries in range(1, TRIES + 1):
        try:
            digest = _fetch(channel, path, part, etag_file)
        except httpx.TransportError:
            if tries == TRIES:
                raise
            channel.wait(tries)
            continue
        if digest is not None and _sha256(part) != digest:
            part.unlink()
            etag_file.unlink(missing_ok=True)
            if tries == TRIES:
                raise CommandError(f"{target.name} arrives with another content than the service says.")
            continue
        break
    part.replace(target)
    etag_file.unlink(missing_ok=True)
    return target.stat().st_size


def target_of(directory: Path, path: str) -> Path:
    """Return where a file goes; raises CommandError for a name that leads out of the directory."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise CommandError(f"The service names a file {path!r}, which leads out of the directory.")
    return directory.joinpath(*parts)


def _fetch(channel: Channel, path: str, part: Path, etag_file: Path) -> str | None:
    """Fetch what is missing of ``part``; return the SHA-256 that the entity tag names."""
    headers: dict[str, str] = {}
    have = part.stat().st_size if part.exists() else 0
    if have and etag_file.exists():
        headers = {"Range": f"bytes={have}-", "If-Range": etag_file.read_text()}
    try:
        with channel.stream("GET", path, headers=headers) as answer:
            etag = answer.headers.get("etag", "")
            etag_file.write_text(etag)
            with part.open("ab" if answer.status_code == httpx.codes.PARTIAL_CONTENT else "wb") as file:
                for chunk in answer.iter_bytes():  # as they come: what came before a cut is kept
                    file.write(chunk)
    except RefusedError as error:
        if error.status != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE or not headers:
            raise
        return etag_file.read_text().strip('"')  # all of it is there
    return etag.strip('"') or None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
