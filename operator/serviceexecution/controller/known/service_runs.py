"""The executions of one service that have not ended, in the order in which they may start."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from serviceexecution.controller.known.cached_execution import LiveExecution

Key = TypeVar("Key", bound=tuple[str, str])


class Place(NamedTuple):
    """A place in a service's queue; the uid makes it one execution's."""

    created: str
    name: str
    uid: str


@dataclass(slots=True)
class ServiceRuns(Generic[Key]):
    """Counts and sorted lists, so that no question takes time that grows with the number of executions."""

    holding: set[str] = field(default_factory=set)
    """Uids of those that have taken what they run with."""
    waiting: list[Place] = field(default_factory=list)
    """Those in the queue and the new ones, the oldest first."""
    lacking: dict[str, Key] = field(default_factory=dict)
    """By uid: those that cannot start since something is missing, which may be the service."""
    _keys: dict[str, Key] = field(default_factory=dict)
    """Keys of those that wait, by uid."""

    @property
    def empty(self) -> bool:
        """Tell whether there is none."""
        return not (self.holding or self.waiting or self.lacking)

    def add(self, key: Key, execution: LiveExecution) -> None:
        """Take one that was not there, or was removed as it had been."""
        uid = execution.metadata.uid
        if execution.holds:
            self.holding.add(uid)
        elif execution.waits:
            insort(self.waiting, place_of(execution))
            self._keys[uid] = key
        else:
            self.lacking[uid] = key

    def remove(self, execution: LiveExecution) -> None:
        """Remove one as it was added."""
        uid = execution.metadata.uid
        self.holding.discard(uid)
        self.lacking.pop(uid, None)
        if self._keys.pop(uid, None) is not None:
            place = place_of(execution)
            at = bisect_left(self.waiting, place)
            if self.waiting[at : at + 1] == [place]:
                del self.waiting[at]

    def waits(self, uid: str) -> bool:
        """Tell whether that one is in the queue, or new."""
        return uid in self._keys

    def before(self, place: Place) -> int:
        """Return how many of those that wait come before ``place``."""
        return bisect_left(self.waiting, place)

    def key_of(self, place: Place) -> Key:
        """Return the key of one that waits."""
        return self._keys[place.uid]


def place_of(execution: LiveExecution) -> Place:
    """Return the place in the queue: by the time of creation, then by name."""
    return Place(execution.created, execution.metadata.name, execution.metadata.uid)
