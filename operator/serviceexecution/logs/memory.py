"""What all logs of this process hold in memory together, and what one namespace's may."""

from collections import Counter
from typing import Final

FREE_LINE_BYTES: Final = 16 * 1024
"""A line as long as a container runtime's pieces needs no room of its own: nearly every line is shorter."""
LONG_LINES_BYTES: Final = 32 * 1024**2
"""Room for what is held of longer lines: the begun one and the newest one of each log."""
PENDING_BYTES: Final = 64 * 1024**2
"""Room for lines that wait until the store takes them, divided between all logs."""
LEAST_FLUSH_BYTES: Final = 64 * 1024


class LogMemory:
    """State owner of the room. A namespace that takes much leaves at least as much as it has to all others."""

    def __init__(self, *, long_lines: int = LONG_LINES_BYTES, pending: int = PENDING_BYTES) -> None:
        self._long_lines = long_lines
        self._pending = pending
        self._held: Counter[str] = Counter()
        self._total = 0
        self._logs = 0

    def share(self, namespace: str) -> "MemoryShare":
        """Return the part of one more log."""
        self._logs += 1
        return MemoryShare(self, namespace)

    def flush_bytes(self, most: int) -> int:
        """Return how much one log may collect, at most ``most`` bytes, before it must go to the store."""
        return max(LEAST_FLUSH_BYTES, min(most, self._pending // max(self._logs, 1)))

    def change(self, namespace: str, held: int, wanted: int) -> bool:
        """Change what a log of ``namespace`` holds; False, and nothing changes, when it would grow beyond the room."""
        more = wanted - held
        others = self._total - self._held[namespace]
        if more > 0 and self._held[namespace] + more > (self._long_lines - others) // 2:
            return False
        self._total += more
        self._held[namespace] += more
        if not self._held[namespace]:
            del self._held[namespace]
        return True

    def end(self) -> None:
        """Forget a log that has given back what it held."""
        self._logs -= 1


class MemoryShare:
    """What one log holds of its lines."""

    def __init__(self, memory: LogMemory, namespace: str) -> None:
        self._memory = memory
        self._namespace = namespace
        self._held = 0
        self._open = True

    def hold(self, size: int) -> bool:
        """Hold ``size`` bytes from now on; False when there is no room for them, and what was held stays."""
        wanted = max(0, size - FREE_LINE_BYTES) if self._open else 0
        if not self._memory.change(self._namespace, self._held, wanted):
            return False
        self._held = wanted
        return True

    def flush_bytes(self, most: int) -> int:
        """Return how much this log may collect, at most ``most`` bytes, before it must go to the store."""
        return self._memory.flush_bytes(most)

    def close(self) -> None:
        """Give everything back; to be called once at least."""
        if self._open:
            self.hold(0)
            self._open = False
            self._memory.end()
