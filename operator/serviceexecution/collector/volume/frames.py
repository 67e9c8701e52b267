"""What is said on a connection: frames of a length in four bytes, most significant first, and so many bytes."""

from __future__ import annotations

import json
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Final

MOST_BYTES: Final = 1024 * 1024
"""Of one frame."""
_LENGTH: Final = struct.Struct(">I")


class ConnectionEndedError(Exception):
    """The other side has gone, is silent, or says what no client of ours says."""


def send(connection: socket.socket, data: bytes | memoryview) -> None:
    """Send a frame; raises ConnectionEndedError."""
    try:
        connection.sendall(_LENGTH.pack(len(data)))
        connection.sendall(data)
    except OSError as error:
        raise ConnectionEndedError(str(error)) from error


def send_object(connection: socket.socket, members: dict[str, object]) -> None:
    """Send a frame of JSON; raises ConnectionEndedError."""
    send(connection, json.dumps(members).encode())


def receive(connection: socket.socket, most: int = MOST_BYTES) -> bytearray:
    """Return the next frame; raises ConnectionEndedError, also for one of more than ``most`` bytes."""
    length = _LENGTH.unpack(_exactly(connection, _LENGTH.size))[0]
    if length > most:
        raise ConnectionEndedError("a frame that is too long")
    return _exactly(connection, length)


def _exactly(connection: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        try:
            got = connection.recv_into(view[filled:])
        except OSError as error:
            raise ConnectionEndedError(str(error)) from error
        if not got:
            raise ConnectionEndedError("closed")
        filled += got
    view.release()
    return data
