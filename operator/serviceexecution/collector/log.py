"""The collector's own log: one JSON object per line on standard error."""

from __future__ import annotations

import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_STANDARD_ERROR: Final = 2


def log(event: str, **facts: object) -> None:
    """Write one line."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    line = json.dumps({"time": f"{stamp}.{int(now % 1 * 1000):03d}Z", "event": event, **facts}, default=str)
    os.write(_STANDARD_ERROR, line.encode() + b"\n")
