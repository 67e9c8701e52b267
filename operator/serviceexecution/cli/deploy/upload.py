"""Brings an archive to the gateway, once for each content."""

from collections.abc import Callable
from http import HTTPStatus

from serviceexecution.cli.client.channel import Channel, RefusedError, file_content
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.pack.archive import Archive
from serviceexecution.kube.kinds import path_segment


def source_path(namespace: str, digest: str) -> str:
    """Return the path of an archive at the gateway; ``digest`` in hexadecimal digits."""
    return f"/api/v1/namespaces/{path_segment(namespace)}/sources/{path_segment(digest)}"


def is_uploaded(channel: Channel, namespace: str, digest: str) -> bool:
    """Tell whether the gateway has the archive; raises RefusedError."""
    try:
        channel.request("HEAD", source_path(namespace, digest))
    except RefusedError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return False
        if error.status == HTTPStatus.FORBIDDEN:  # An answer to HEAD has no body that could say why
            raise _forbidden(channel, namespace, digest) from None
        raise
    return True


def _forbidden(channel: Channel, namespace: str, digest: str) -> CommandError:
    """Return who forbids it: the API server on the way to the gateway, or the gateway."""
    try:
        channel.request("GET", source_path(namespace, digest))
    except RefusedError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return error
    return CommandError(
        f"You may not upload sources to namespace {namespace}: you need the right to create servicedefinitions/source."
    )


def upload(
    channel: Channel, namespace: str, archive: Archive, *, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Send the archive; a cut upload begins again. Raises RefusedError, httpx.HTTPError."""
    channel.request(
        "PUT",
        source_path(namespace, archive.digest),
        headers={"Content-Type": "application/gzip", "Content-Length": str(archive.size)},
        content=file_content(archive.path, progress=progress),
    )
