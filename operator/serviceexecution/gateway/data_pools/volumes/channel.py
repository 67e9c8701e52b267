"""A connection to a pod that serves a volume: frames as ``collector/volume/frames.py`` has them.

Who may change pods of the namespace can have any program answer in ours: nothing that comes is trusted.
"""

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
"""Most bytes of a frame."""
_JSON_BYTES: Final = 64 * 1024
"""Most bytes of a frame of JSON: they are parsed in a millisecond or two."""
_BUFFERED_BYTES: Final = 64 * 1024
_LONGEST_DETAIL: Final = 300
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
    "VolumeFailed": HTTPStatus.BAD_GATEWAY,
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
                channel = cls(*await asyncio.open_connection(address, port, limit=_BUFFERED_BYTES))
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
            raise broken() from None

    async def send_object(self, members: JsonObject) -> None:
        """Send a frame of JSON."""
        await self.send(json.dumps(members).encode())

    async def receive(self, most: int = PART_BYTES) -> bytes:
        """Return the next frame, of so many bytes at most."""
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                return await self._receive(most)
        except (OSError, EOFError, TimeoutError, ValueError):
            raise broken() from None

    async def said(self) -> JsonValue:
        """Return what the next frame says in JSON, None for an empty one; raises Problem 502 for no JSON."""
        frame = await self.receive(_JSON_BYTES)
        try:
            return cast("JsonValue", json.loads(frame)) if frame else None
        except (ValueError, RecursionError):
            raise failed("says what is no JSON") from None

    async def answer(self) -> JsonObject:
        """Return what the pod says; raises Problem also for what it refuses."""
        said = await self.said()
        if not isinstance(said, dict):
            raise failed("says what is no answer")
        if "error" in said:
            raise _refusal(said["error"], said.get("detail"))
        return said

    def close(self) -> None:
        """End the connection; a file that is not whole is not kept."""
        self._writer.close()

    async def _send(self, data: bytes) -> None:
        self._writer.write(len(data).to_bytes(_LENGTH_BYTES, "big") + data)
        await self._writer.drain()

    async def _receive(self, most: int = PART_BYTES) -> bytes:
        # A frame that has come already is read without a wait: many small ones would hold up all others
        await asyncio.sleep(0)
        length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
        if length > most:
            raise ValueError("a frame that is too long")
        return await self._reader.readexactly(length)


def broken() -> Problem:
    """Return what is said when a call ends in the middle."""
    return unavailable(
        "VolumeAway", "The pod that serves the volume has gone in the middle of the call; try again."
    )


def failed(how: str) -> Problem:
    """Return what is said when the pod says what none of ours says."""
    return Problem(HTTPStatus.BAD_GATEWAY, "VolumeFailed", f"The pod that serves the volume {how}.")


def _refusal(error: JsonValue, detail: JsonValue) -> Problem:
    status = _REFUSALS.get(error) if isinstance(error, str) else None
    if status is None or not isinstance(error, str) or not isinstance(detail, str):
        return failed("refuses the call for a reason that we do not know")
    sentence = detail[:_LONGEST_DETAIL].encode(errors="replace").decode()
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        return unavailable(error, sentence)
    return Problem(status, error, sentence)
