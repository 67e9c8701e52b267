"""What programs print as interim results, read from logs that still grow."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.stdout_results import StdoutResultScanner
from serviceexecution.fairness.turns import NoTurnError
from serviceexecution.fairness.work import SMALL_BYTES, THREADS
from serviceexecution.gateway.http.problems import unavailable
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

    async def read(self) -> tuple[str, ...]:
        """Read what is new, and return the newest results."""
        async with self.lock:
            async for lines in self.reader.new_lines():
                if sum(map(len, lines.texts)) < SMALL_BYTES:
                    self._feed(lines.texts)
                    await asyncio.sleep(0)
                    continue
                try:  # A result may have 256 KiB: to parse it takes longer than others should wait
                    await THREADS.run(self.reader.reference.namespace, self._feed, lines.texts)
                except NoTurnError:
                    raise unavailable("Busy", "Too many results are being read at once; try again.") from None
            return self.scanner.interim

    def _feed(self, texts: Sequence[str]) -> None:
        for text in texts:
            self.scanner.feed(text.partition(" ")[2])


class InterimResults:
    """What programs print as interim results. Remembers how far each log was read, for those who poll."""

    def __init__(self, store: ResultStore) -> None:
        self._store = store
        self._scans: OrderedDict[tuple[str, str, int], _Scan] = OrderedDict()

    async def read(self, reference: ExecutionReference, attempt: int) -> tuple[str, ...]:
        """Return the newest interim results as JSON texts, oldest first; raises StoreError, Problem 503."""
        key = (reference.namespace, reference.uid, attempt)
        scan = self._scans.get(key)
        if scan is None:
            scan = self._scans[key] = _Scan(
                LogReader(self._store, reference, attempt), StdoutResultScanner(limit=0)
            )
        self._scans.move_to_end(key)
        while len(self._scans) > _REMEMBERED:
            self._scans.popitem(last=False)
        # A caller who leaves does not leave lines half read
        return await asyncio.shield(asyncio.ensure_future(scan.read()))
