"""The text of a commit: what was uploaded, what was not, what main has used, and which data pools it has changed."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

PIECE_BYTES: Final = 256 * 1024


def commit_body(
    files: Iterable[tuple[str, int, str]],
    skipped: Iterable[tuple[str, str]],
    *,
    limit_exceeded: bool,
    usage: dict[str, object] | None = None,
    data_pools: list[dict[str, str]] | None = None,
) -> Iterator[bytes]:
    """Give the commit's JSON text in pieces: files as path, size in bytes and SHA-256; skipped as path and reason."""
    piece = bytearray(b'{"files":[')
    for number, (path, size, sha256) in enumerate(files):
        piece += b"," if number else b""
        piece += json.dumps({"path": path, "size": size, "sha256": sha256}).encode()
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    piece += b'],"skipped":['
    for number, (path, reason) in enumerate(skipped):
        piece += b"," if number else b""
        piece += json.dumps({"path": path, "reason": reason}).encode()
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    piece += b'],"limitExceeded":' + (b"true" if limit_exceeded else b"false")
    if usage is not None:
        piece += b',"usage":' + json.dumps(usage, separators=(",", ":")).encode()
    if data_pools:
        piece += b',"dataPools":' + json.dumps(data_pools, separators=(",", ":")).encode()
    piece += b"}"
    yield bytes(piece)
