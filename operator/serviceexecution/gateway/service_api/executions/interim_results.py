"""What programs print as interim results, read from logs that still grow."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.stdout_results import StdoutResultScanner
from serviceexecution.gateway.logs.reader import LogReader
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore

_REMEMBERED: Final = 64
"""Each holds up to 256 KiB of results."""


@dataclass(slots=True)
class _Scan:
    reader: LogReader
    scanner: StdoutResultScanner
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class InterimResults:
    """What programs print as interim results. Remembers how far each log was read, for those who poll."""

    def __init__(self, store: ResultStore) -> None:
        self._store = store
        self._scans: OrderedDict[tuple[str, str, int], _Scan] = OrderedDict()

    async def read(self, reference: ExecutionReference, attempt: int) -> tuple[str, ...]:
        """Return the newest interim results as JSON texts, oldest first; raises StoreError."""
        key = (reference.namespace, reference.uid, attempt)
        scan = self._scans.get(key)
        if scan is None:
            scan = self._scans[key] = _Scan(
                LogReader(self._store, reference, attempt), StdoutResultScanner(limit=0)
            )
        self._scans.move_to_end(key)
        while len(self._scans) > _REMEMBERED:
            self._scans.popitem(last=False)
        async with scan.lock:
            async for lines in scan.reader.new_lines():
                for text in lines.texts:
                    scan.scanner.feed(text.partition(" ")[2])
                await asyncio.sleep(0)
            return scan.scanner.interim
