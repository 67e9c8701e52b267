"""How patient a follower is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FollowerTiming:
    """All in seconds."""

    flush: float = 2.0
    """Received lines are in the store after this time."""
    burst_silence: float = 2.0
    ended_silence: float = 5.0
    """Once main has ended the kubelet ends the stream; one that stays open and silent is dead."""
    poll: float = 5.0
    """Between looks at a log that no stream is free for; the kubelet looks for files to rotate every 10 s."""
    first_backoff: float = 1.0
    last_backoff: float = 30.0
