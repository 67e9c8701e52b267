"""Which builds may start: never more at a time than the installation allows, and namespaces in turns.

A namespace's oldest build comes first. The namespace with fewer builds that run or come before has its turn before
others: a user who changes a hundred services at once waits behind the builds of these.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from serviceexecution.builds.reasons import BuildReason
from serviceexecution.builds.render import cache_claim
from serviceexecution.builds.revisions import active_of
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.work.keys import ServiceKey
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.definition_status import Revision, RevisionPhase


@dataclass(slots=True)
class BuildSlots:
    """Knows which builds were let in; nothing else lets them in. A restart knows it from the phase Building.

    Nothing here awaits: counting and letting in are one step for all workers.
    """

    cache: ObjectCache
    concurrency: int
    _granted: dict[str, str] = field(default_factory=dict)
    """Uid and namespace of definitions whose build was let in, from then until the cache knows of it."""

    def ask(self, definition: ServiceDefinition, revision: Revision) -> int | None:
        """Let the build in and return None, or return how many come before it, those that run included."""
        metadata = definition.metadata
        others = [(one, build) for one, build in self._active() if one.metadata.uid != metadata.uid]
        running = self._running(others)
        running.pop(metadata.uid, None)
        waiting = [pair for pair in others if _waits(pair[1]) and pair[0].metadata.uid not in running]
        turns = self._in_turns([*waiting, (definition, revision)], running)
        before = next(place for place, (_, one) in enumerate(turns) if one.metadata.uid == metadata.uid)
        if len(running) + before < self.concurrency and turns[before][0] < self._most_of_namespace:
            self._granted[metadata.uid] = metadata.namespace
            return None
        return len(running) + before

    def settled(self, definition: ServiceDefinition) -> None:
        """Say that the cache knows what became of a build that was let in, or that nothing did."""
        self._granted.pop(definition.metadata.uid, None)

    def next_keys(self) -> list[ServiceKey]:
        """Return which waiting builds can be let in now, the next first."""
        active = list(self._active())
        running = self._running(active)
        room = max(0, self.concurrency - len(running))
        waiting = [pair for pair in active if _waits(pair[1]) and pair[0].metadata.uid not in running]
        turns = self._in_turns(waiting, running)
        return [
            ServiceKey(one.metadata.namespace, one.metadata.name)
            for rank, one in turns[:room]
            if rank < self._most_of_namespace
        ]

    @property
    def _most_of_namespace(self) -> int:
        """Return how many builds of one namespace run at a time: they take long, and others would wait for an end."""
        return self.concurrency - self.concurrency // 4

    def _running(self, active: list[tuple[ServiceDefinition, Revision]]) -> dict[str, str]:
        """Return uid and namespace of the definitions whose build runs, or was let in."""
        building = {
            one.metadata.uid: one.metadata.namespace
            for one, build in active
            if build.phase is RevisionPhase.BUILDING
        }
        return {**building, **self._granted}

    def _in_turns(
        self, waiting: list[tuple[ServiceDefinition, Revision]], running: dict[str, str]
    ) -> list[tuple[int, ServiceDefinition]]:
        """Return the builds in their order, with how many of the same namespace run or come before each."""
        seen = Counter(running.values())
        turns = []
        for one, build in sorted(waiting, key=lambda pair: _order(*pair)):
            turns.append((seen[one.metadata.namespace], _order(one, build), one))
            seen[one.metadata.namespace] += 1
        return [(rank, one) for rank, _, one in sorted(turns, key=lambda turn: turn[:2])]

    def may_use_cache(self, definition: ServiceDefinition) -> bool:
        """Tell whether no other build that began before uses the claim of the definition's spec.build.cache."""
        claim = cache_claim(definition)
        mine = active_of(definition.status)
        if claim is None or mine is None:
            return False
        return not any(
            one.metadata.uid != definition.metadata.uid
            and one.metadata.namespace == definition.metadata.namespace
            and cache_claim(one) == claim
            and build.phase is RevisionPhase.BUILDING
            and _begun(one, build) < _begun(definition, mine)
            for one, build in self._active()
        )

    def _active(self) -> Iterator[tuple[ServiceDefinition, Revision]]:
        for definition in self.cache.definitions.values():
            revision = active_of(definition.status)
            if revision is not None and definition.metadata.deletion_timestamp is None:
                yield definition, revision


def _waits(revision: Revision) -> bool:
    """Tell whether it is in the queue: one that lacks something holds nobody up."""
    return revision.phase is RevisionPhase.PENDING and revision.reason == BuildReason.QUEUED


def _order(definition: ServiceDefinition, revision: Revision) -> tuple[str, str, str]:
    since = revision.start_time
    place = since.replace(microsecond=0).isoformat() if since is not None else ""
    return place, definition.metadata.namespace, definition.metadata.name


def _begun(definition: ServiceDefinition, revision: Revision) -> tuple[str, str, str]:
    since = revision.attempt_time
    place = since.replace(microsecond=0).isoformat() if since is not None else ""
    return place, definition.metadata.namespace, definition.metadata.name
