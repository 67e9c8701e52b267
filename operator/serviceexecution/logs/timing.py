"""How patient a follower is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

BURST_BYTES: Final = 1024 * 1024
"""After as many bytes of a log, a silence may mean that the kubelet sits on a file that was rotated away. No kubelet
should be told to rotate smaller files (containerLogMaxSize, 10 MiB unless it is set)."""
CATCH_UP_BYTES: Final = 256 * 1024
"""A look that brought as much is followed by another one at once: the log must be read before it is rotated."""
LOOK_AGAIN_SECONDS: Final = 60.0
"""Longest time between looks at the last line of a log that is quiet, and was seen to be."""
STUCK_PROBES: Final = 3
"""How often the kubelet must have newer lines while a stream gives nothing."""
QUIET_PASSES: Final = 3
"""How often nothing new must come from an ended container, where its last line does not compare with ours."""
FIRST_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any line: a log is read from its newest file's beginning."""
READ_AGAIN_BYTES: Final = 16 * 1024 * 1024
"""Most of a log whose lines are compared with its newest file from the beginning, which takes 8 bytes for each line."""
PLAIN_READS: Final = 60
"""How many looks at the log without following it (over about five minutes) when the kubelet cannot follow it.

A kubelet with the usual 128 inotify instances follows about 120 logs on its node and fails at the others.
"""
UNREADABLE_TRIES: Final = 6
"""How often the log of an ended container must be refused before it counts as lost (over about a minute)."""


@dataclass(frozen=True, slots=True)
class FollowerTiming:
    """All in seconds."""

    flush: float = 2.0
    """Received lines are in the store after this time."""
    burst_silence: float = 2.0
    ended_silence: float = 30.0
    """Once main has ended the kubelet ends the stream; one that stays open and silent is dead."""
    poll: float = 5.0
    """Between looks at a log that no stream is free for; the kubelet looks for files to rotate every 10 s."""
    first_backoff: float = 1.0
    last_backoff: float = 30.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    """Not in seconds: our clock."""
