"""Files of a data pool, by the gateway's API."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from serviceexecution.cli.client.channel import Channel
from serviceexecution.cli.client.download import download_all
from serviceexecution.cli.errors import CommandError
from serviceexecution.kube.kinds import path_segment

_PIECE: Final = 256 * 1024
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a data pool as the gateway lists it."""

    id: str
    name: str
    size: int
    sha256: str
    """Empty for a file of a volume, whose digest the gateway does not know."""
    content_type: str
    created_at: str


class PoolClient:
    """One data pool. Raises CommandError with the gateway's own sentence, httpx.HTTPError when it cannot be reached."""

    def __init__(self, channel: Channel, namespace: str, pool: str, index: str = "") -> None:
        """``pool`` is its uid. With an ``index`` that state is read, else the newest."""
        self._channel = channel
        self._state = f"?index={index}" if index else ""
        self._path = f"/platform/{path_segment(namespace)}/datapools/{path_segment(pool)}/files"

    def files(self) -> dict[str, RemoteFile]:
        """Return all files by name."""
        listed = self._channel.request("GET", self._path + self._state).json()
        found = (
            RemoteFile(
                str(file["id"]),
                str(file["name"]),
                int(file["contentLength"]),
                str(file.get("sha256") or ""),
                str(file["contentType"]),
                str(file["createdAt"]),
            )
            for file in listed
        )
        return {file.name: file for file in found}

    def put(self, path: Path, name: str, progress: Callable[[int], None]) -> None:
        """Upload a file; a cut upload begins again."""
        boundary = uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        size = path.stat().st_size

        def body() -> Iterator[bytes]:
            yield head
            gone = 0
            with path.open("rb") as file:
                while piece := file.read(min(_PIECE, size - gone)):
                    yield piece
                    gone += len(piece)
                    progress(gone)
            if gone != size:
                raise CommandError(f"{path} became shorter while it was sent.")
            yield tail

        self._channel.request(
            "POST",
            self._path,
            params={"filename": name},
            headers={
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Content-Length": str(len(head) + size + len(tail)),
            },
            content=body,
        )

    def get_all(self, files: Iterable[RemoteFile], directory: Path) -> Iterator[tuple[str, int]]:
        """Fetch files into a directory; give name and size of each when it is there. A cut download goes on."""
        paths = {file.name: f"{self._path}/{path_segment(file.id)}{self._state}" for file in files}
        return download_all(self._channel, paths, directory)

    def delete(self, file: RemoteFile) -> None:
        """Delete a file."""
        self._channel.request("DELETE", f"{self._path}/{path_segment(file.id)}", repeatable=False)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked_name(name: str) -> str:
    """Return a name that a data pool takes; raises CommandError that says what is wrong with it."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise CommandError(f"The name {json.dumps(name)} is not in UTF-8; rename the file.") from None
    if not name or name in {".", ".."} or "/" in name or _CONTROL.search(name):
        raise CommandError(
            f"A data pool takes no file with the name {json.dumps(name)}: no slash, no control character."
        )
    if size > LONGEST_NAME:
        raise CommandError(f"The name {name[:40]}… has {size} bytes; a data pool takes {LONGEST_NAME}.")
    return name
