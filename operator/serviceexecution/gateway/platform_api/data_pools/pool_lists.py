"""Lists of data pools: of bounded length, since a namespace may have any number, and in turns."""

import json
from typing import Final

from serviceexecution.fairness.turns import FairTurns, NoTurnError
from serviceexecution.gateway.data_pools.directory import FoundPool, PoolDirectory
from serviceexecution.gateway.http.problems import unavailable
from serviceexecution.gateway.platform_api.data_pools.documents import Permission, pool_document

MOST_LISTED: Final = 1000
MOST_BYTES: Final = 4 * 1024 * 1024
"""A list ends before it has more: the description of a data pool may have 8 KiB."""
_AT_ONCE: Final = 4
_WAITING: Final = 50
_WAIT_SECONDS: Final = 10.0


class PoolLists:
    """State owner of the turns of lists that are being made."""

    def __init__(self, directory: PoolDirectory) -> None:
        self._directory = directory
        self._turns = FairTurns(_AT_ONCE, per_key=_AT_ONCE // 2, waiting_per_key=_WAITING)

    async def text(self, namespace: str, permission: Permission) -> bytes:
        """Return the namespace's first data pools by name, then its claims; raises Problem 503, KubernetesError."""
        try:
            async with self._turns.turn(namespace, wait=_WAIT_SECONDS):
                texts = await self._pools(namespace, permission)
                for claim in await self._directory.claims(namespace):
                    if len(texts) >= MOST_LISTED:
                        break
                    texts.append(_text(claim, permission))
        except NoTurnError:
            raise unavailable("Busy", "Too many lists of data pools at once; try again.") from None
        return b"[" + b",".join(texts) + b"]"

    async def _pools(self, namespace: str, permission: Permission) -> list[bytes]:
        texts: list[bytes] = []
        size = 0
        async for page in self._directory.pages(namespace):
            if page.begun_again:
                texts, size = [], 0
            for pool in page.pools:
                text = _text(pool, permission)
                size += len(text)
                if len(texts) >= MOST_LISTED or size > MOST_BYTES:
                    return texts
                texts.append(text)
        return texts


def _text(pool: FoundPool, permission: Permission) -> bytes:
    document = pool_document(pool, permission)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
