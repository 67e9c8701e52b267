"""What an upload must be: a tar.gz or zip file, not larger than the limit. Pure."""

from collections.abc import AsyncIterable, AsyncIterator
from http import HTTPStatus
from typing import Final

from serviceexecution.gateway.http.problems import Problem

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_HEAD: Final = 4
"""So many bytes tell what it is."""


async def checked_archive(chunks: AsyncIterable[bytes], limit: int) -> AsyncIterator[bytes]:
    """Give the chunks on; raises Problem 413 above ``limit`` bytes, 415 when it is no archive."""
    head, size, known = b"", 0, False
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise archive_too_large(limit)
        if known:
            yield chunk
            continue
        head += chunk
        if len(head) >= _HEAD:
            _check_head(head)
            known = True
            yield head
    if not known:
        raise _no_archive()


def archive_too_large(limit: int) -> Problem:
    """Return a 413 that says how much is allowed."""
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "SourceTooLarge",
        f"An archive may have {limit:,} bytes. Leave out what the build does not need, for example with .dockerignore.",
        members={"limit": limit},
    )


def _check_head(head: bytes) -> None:
    if not head.startswith((_GZIP, _ZIP)):
        raise _no_archive()


def _no_archive() -> Problem:
    return Problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "NoArchive",
        "The body is neither a tar.gz nor a zip file; send the project packed as one of them.",
    )
