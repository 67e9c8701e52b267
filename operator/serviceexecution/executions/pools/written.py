"""What became of what a program has changed in data pools. Pure."""

from collections.abc import Sequence
from typing import Final

from serviceexecution.resources.executions.used_pools import UsedPool, WrittenPool
from serviceexecution.store.records import POOL_WRITTEN, PoolWrite

_SHOWN: Final = 3
_WORDS: Final = 300


def unwritten_sentence(pools: Sequence[PoolWrite]) -> str | None:
    """Return which data pools are not as the program has left them, and why; None when all are."""
    lost = [pool for pool in pools if pool.reason != POOL_WRITTEN]
    if not lost:
        return None
    words = [f'"{pool.property}": {pool.reason}. {pool.message[:_WORDS]}'.rstrip() for pool in lost[:_SHOWN]]
    more = len(lost) - _SHOWN
    return " ".join(words) + (f" And {more} more." if more > 0 else "")


def with_writes(used: tuple[UsedPool, ...] | None, pools: Sequence[PoolWrite]) -> tuple[UsedPool, ...] | None:
    """Return the data pools of a status, with what became of each that was changed."""
    if not used or not pools:
        return used
    written = {
        pool.property: WrittenPool(
            reason=pool.reason, message=pool.message[:_WORDS] or None, index=pool.index
        )
        for pool in pools
    }
    return tuple(
        pool.model_copy(update={"written": written[pool.property]}) if pool.property in written else pool
        for pool in used
    )
