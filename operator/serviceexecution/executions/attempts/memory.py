"""How much memory an attempt gets: more than the one before it had, when that one was killed for its memory. Pure."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from serviceexecution.contract.quantities import (
    QuantityError,
    exact_quantity,
    format_quantity,
    parse_quantity,
)
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import EarlierAttempt
from serviceexecution.resources.executions.retry import OutOfMemoryRetry, Retry

_MEBIBYTE: Final = 1024**2


def bytes_of(limit: str | None) -> int | None:
    """Return the bytes of a pod's memory limit, None when it has none or one that cannot be read."""
    if limit is None:
        return None
    try:
        return parse_quantity(limit)
    except QuantityError:
        return None


def more_memory(rule: OutOfMemoryRetry, limit: str | None) -> int | None:
    """Return the memory limit in bytes of the attempt after one that was killed at ``limit``.

    None when it cannot be raised: there was no limit, or it is the largest already.
    """
    before, most = bytes_of(limit), bytes_of(str(rule.max_memory))
    if before is None or most is None or before >= most:
        return None
    raised = math.ceil(Decimal(before) * Decimal(str(rule.memory_factor)) / _MEBIBYTE) * _MEBIBYTE
    return min(raised, most)


def raised_memory(retry: Retry | None, earlier: Sequence[EarlierAttempt]) -> int | None:
    """Return the memory limit in bytes of the next attempt, None when it is what the spec says.

    What an attempt was raised to stays, whatever else ended the ones after it.
    """
    rule = retry.on_out_of_memory if retry is not None else None
    known = [one for one in earlier if one.memory_limit is not None]
    if rule is None or not any(one.reason == Reason.OUT_OF_MEMORY for one in known):
        return None
    last = known[-1]
    more = more_memory(rule, last.memory_limit) if last.reason == Reason.OUT_OF_MEMORY else None
    return more or bytes_of(last.memory_limit)


def raised_request(request: str, limit: str | None, raised: int) -> str:
    """Return a memory request that has grown as much as the limit, which it never exceeds."""
    asked, before = exact_quantity(request), exact_quantity(limit) if limit is not None else None
    if asked is None or not before:
        return request
    return format_quantity(min(raised, math.ceil(asked * raised / before)))
