"""Which builds may start: the oldest first, never more at a time than the installation allows."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from serviceexecution.builds.reasons import BuildReason
from serviceexecution.builds.render import cache_claim
from serviceexecution.builds.revisions import active_of
from serviceexecution.controller.cache import ExecutionKey, ObjectCache
from serviceexecution.resources.definition import ServiceDefinition
from serviceexecution.resources.definition_status import Revision, RevisionPhase


@dataclass(slots=True)
class BuildSlots:
    """The one owner of who may build. What status says (Building) is what a restart knows again.

    Nothing here awaits: counting and letting in are one step for all workers.
    """

    cache: ObjectCache
    concurrency: int
    _granted: set[str] = field(default_factory=set)
    """Uids of definitions whose build was let in, from then until the cache knows of it."""

    def ask(self, definition: ServiceDefinition, revision: Revision) -> int | None:
        """Let the build in and return None, or return how many come before it, those that run included."""
        uid = definition.metadata.uid
        others = [(one, build) for one, build in self._active() if one.metadata.uid != uid]
        running = {one.metadata.uid for one, build in others if build.phase is RevisionPhase.BUILDING}
        running |= self._granted - {uid}
        place = _order(definition, revision)
        before = sum(
            one.metadata.uid not in running and _waits(build) and _order(one, build) < place
            for one, build in others
        )
        if len(running) + before < self.concurrency:
            self._granted.add(uid)
            return None
        return len(running) + before

    def settled(self, definition: ServiceDefinition) -> None:
        """Say that the cache knows what became of a build that was let in, or that nothing did."""
        self._granted.discard(definition.metadata.uid)

    def next_keys(self) -> list[ExecutionKey]:
        """Return which waiting builds can be let in now, the oldest first."""
        active = list(self._active())
        running = {one.metadata.uid for one, build in active if build.phase is RevisionPhase.BUILDING}
        room = max(0, self.concurrency - len(running | self._granted))
        waiting = sorted(
            ((one, build) for one, build in active if _waits(build)), key=lambda pair: _order(*pair)
        )
        return [ExecutionKey(one.metadata.namespace, one.metadata.name) for one, _ in waiting[:room]]

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
