"""Removes archives that no service is built from, some time after they were uploaded.

As for results, a cluster in which nearly all services seem to be gone is not touched.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from serviceexecution.store.builds.sources import SourceKey, SourceStore, StoredSource
from serviceexecution.store.sweep import SweepRules


@dataclass(frozen=True, slots=True)
class SourceSweepPlan:
    """What one pass deletes, sorted. ``refused`` says in a sentence why it deletes nothing, "" when it does."""

    delete: tuple[SourceKey, ...] = ()
    refused: str = ""


def plan_source_sweep(
    stored: Mapping[SourceKey, StoredSource], used: Collection[SourceKey], now: datetime, rules: SweepRules
) -> SourceSweepPlan:
    """Decide one pass: what was uploaded ``rules.tombstone_age`` ago and is used by nothing goes."""
    needed = frozenset(used)
    delete = sorted(
        key
        for key, source in stored.items()
        if key not in needed and now - source.uploaded_at >= rules.tombstone_age
    )
    most = max(rules.always_allowed, int(len(stored) * rules.largest_share))
    if len(delete) > most:
        return SourceSweepPlan(
            refused=f"{len(delete)} sources would be deleted at once, at most {most} may be"
        )
    return SourceSweepPlan(tuple(delete))


async def sweep_sources(
    store: SourceStore,
    list_used: Callable[[], Awaitable[Collection[SourceKey]]],
    now: datetime,
    *,
    namespaces: Collection[str] | None = None,
    rules: SweepRules,
) -> SourceSweepPlan:
    """Run one pass and return what was done.

    ``list_used`` asks the API server itself, after the store was listed, so that a source that was just put to use is
    not taken for one that is not. Raises StoreError and what ``list_used`` raises.
    """
    found = await store.list_sources()
    stored = {key: source for key, source in found.items() if namespaces is None or key[0] in namespaces}
    plan = plan_source_sweep(stored, await list_used() if stored else (), now, rules)
    for namespace, digest in plan.delete:
        await store.delete_source(namespace, digest)
    return plan
