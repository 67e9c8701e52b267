"""A connection to a pod that serves a volume: frames as ``collector/volume/frames.py`` has them."""

import asyncio
import hmac
import json
import secrets
from http import HTTPStatus
from typing import Final, Self, cast

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.contract.volume_pods import NONCE_BYTES, proof
from serviceexecution.gateway.http.problems import Problem, unavailable

PART_BYTES: Final = 256 * 1024
"""Most bytes that are sent in one frame."""
_MOST_BYTES: Final = 1024 * 1024
_LENGTH_BYTES: Final = 4
_CONNECT_SECONDS: Final = 3.0
_SILENCE_SECONDS: Final = 120.0
_REFUSALS: Final = {
    "FileNotFound": HTTPStatus.NOT_FOUND,
    "InvalidFileName": HTTPStatus.BAD_REQUEST,
    "NameTaken": HTTPStatus.CONFLICT,
    "NotWritable": HTTPStatus.FORBIDDEN,
    "TooManyFiles": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "VolumeFull": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "Busy": HTTPStatus.SERVICE_UNAVAILABLE,
}


class PodAwayError(Exception):
    """No pod answers at the address, or another one than ours."""


class VolumeChannel:
    """One call to the pod. Methods raise Problem 503 when it ends in the middle."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address: str, port: int, secret: bytes) -> Self:
        """Connect; the secret is sent only to a pod that has been started with its digest. Raises PodAwayError."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                channel = cls(*await asyncio.open_connection(address, port, limit=_MOST_BYTES))
                try:
                    await channel._prove(address, secret)
                except BaseException:
                    channel.close()
                    raise
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            raise PodAwayError(str(error)) from error
        return channel

    async def _prove(self, address: str, secret: bytes) -> None:
        nonce = secrets.token_bytes(NONCE_BYTES)
        await self._send(nonce)
        if not hmac.compare_digest(await self._receive(), proof(secret, nonce, address)):
            raise ValueError("another pod has this address")
        await self._send(secret)

    async def send(self, data: bytes) -> None:
        """Send a frame."""
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                await self._send(data)
        except (OSError, TimeoutError):
            raise _broken() from None

    async def send_object(self, members: JsonObject) -> None:
        """Send a frame of JSON."""
        await self.send(json.dumps(members).encode())

    async def receive(self) -> bytes:
        """Return the next frame."""
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                return await self._receive()
        except (OSError, EOFError, TimeoutError, ValueError):
            raise _broken() from None

    @staticmethod
    def parsed(frame: bytes) -> JsonValue:
        """Return what the JSON of a frame says."""
        try:
            return cast("JsonValue", json.loads(frame))
        except ValueError:
            raise _broken() from None

    async def answer(self) -> JsonObject:
        """Return what the pod says; raises Problem also for what it refuses."""
        said = self.parsed(await self.receive())
        if not isinstance(said, dict):
            raise _broken()
        if "error" in said:
            code, detail = str(said["error"]), str(said.get("detail", ""))
            status = _REFUSALS.get(code, HTTPStatus.BAD_GATEWAY)
            if status is HTTPStatus.SERVICE_UNAVAILABLE:
                raise unavailable(code, detail)
            raise Problem(status, code, detail)
        return said

    def close(self) -> None:
        """End the connection; a file that is not whole is not kept."""
        self._writer.close()

    async def _send(self, data: bytes) -> None:
        self._writer.write(len(data).to_bytes(_LENGTH_BYTES, "big") + data)
        await self._writer.drain()

    async def _receive(self) -> bytes:
        length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
        if length > _MOST_BYTES:
            raise ValueError("a frame that is too long")
        return await self._reader.readexactly(length)


def _broken() -> Problem:
    return unavailable(
        "VolumeAway", "The pod that serves the volume has gone in the middle of the call; try again."
    )
