"""Files of a volume, as the pod that serves it lists, gives, takes and deletes them. All raise Problem."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from serviceexecution.contract.json_types import JsonValue
from serviceexecution.gateway.data_pools.names import checked_name
from serviceexecution.gateway.data_pools.volumes.channel import (
    PART_BYTES,
    VolumeChannel,
    broken,
    failed,
)
from serviceexecution.gateway.http.problems import Problem

MOST_FILES: Final = 10_000
"""What a pod lists at most."""
_SMALLEST_PART: Final = 1024
"""Bytes of a part of a file that is not its last; of smaller ones each costs us more than the pod."""
_MOST: Final = 2**63
_NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class VolumeFile:
    """A file of a volume. ``changed`` in nanoseconds since 1970."""

    name: str
    size: int
    changed: int

    @property
    def changed_at(self) -> datetime:
        """Return when it was last changed, in whole seconds."""
        try:
            return datetime.fromtimestamp(self.changed // _NANOSECONDS, UTC)
        except (ValueError, OverflowError, OSError):  # Programs set it to what they like
            return datetime.fromtimestamp(0, UTC)

    @property
    def tag(self) -> str:
        """Return what another content has another of, as far as size and time tell."""
        return f"{self.size:x}-{self.changed:x}"


@dataclass(frozen=True, slots=True)
class OpenVolumeFile:
    """Bytes ``start`` to ``end`` (exclusive) of a file of ``size`` bytes."""

    size: int
    start: int
    end: int
    chunks: AsyncIterator[bytes]


async def list_files(channel: VolumeChannel) -> list[VolumeFile]:
    """Return all files, in no order that means anything."""
    await channel.send_object({"do": "list"})
    await channel.answer()
    files: list[VolumeFile] = []
    while (some := await channel.said()) is not None:
        if not isinstance(some, list) or not some or len(files) + len(some) > MOST_FILES:
            raise failed("says what is no list of files")
        files += [_file(one) for one in some]
    return files


async def open_file(channel: VolumeChannel, file_id: str) -> VolumeFile:
    """Return the file of that id, which ``read_file`` then reads."""
    await channel.send_object({"do": "read", "id": file_id})
    return _file(await channel.answer())


async def read_file(
    channel: VolumeChannel, file: VolumeFile, wanted: tuple[int, int] | None
) -> OpenVolumeFile:
    """Return the bytes of an opened file from ``wanted`` start to end (exclusive), all of them without it."""
    start, end = wanted or (0, file.size)
    await channel.send_object({"start": start, "end": end})

    async def chunks() -> AsyncIterator[bytes]:
        left = end - start
        while chunk := await channel.receive():
            left -= len(chunk)
            if left < 0 or (left and len(chunk) < _SMALLEST_PART):
                raise failed("sends a file in odd parts")
            yield chunk
        if left:
            raise broken()

    return OpenVolumeFile(file.size, start, end, chunks())


async def write_file(channel: VolumeChannel, name: str, chunks: AsyncIterator[bytes]) -> VolumeFile:
    """Keep a file, which replaces the one of its name when all of it has come."""
    await channel.send_object({"do": "write", "name": name})
    answering = asyncio.create_task(channel.answer())
    try:
        async for chunk in chunks:
            for start in range(0, len(chunk), PART_BYTES):
                if not answering.done():
                    await channel.send(chunk[start : start + PART_BYTES])
            if answering.done():  # It is refused before it is whole
                break
        else:
            await channel.send(b"")
        return _file(await answering)
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


async def delete_file(channel: VolumeChannel, file_id: str) -> None:
    """Delete the file of that id."""
    await channel.send_object({"do": "delete", "id": file_id})
    await channel.answer()


def _file(said: JsonValue) -> VolumeFile:
    if isinstance(said, dict):
        name, size, changed = said.get("name"), said.get("size"), said.get("changed")
        if (
            isinstance(name, str)
            and isinstance(size, int)
            and isinstance(changed, int)
            and not isinstance(size, bool)
            and 0 <= size < _MOST
            and abs(changed) < _MOST
        ):
            try:
                return VolumeFile(checked_name(name), size, changed)
            except Problem:  # It is not the caller's fault
                pass
    raise failed("says what is no file")
