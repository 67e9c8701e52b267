"""Which execution started which, as the platform shows it. Pure."""

from collections.abc import Iterable
from typing import Final

from serviceexecution.gateway.state.known_execution import KnownExecution

MOST_NODES: Final = 1000


def lineage(
    start: KnownExecution, known: Iterable[KnownExecution], *, upwards: bool = True
) -> tuple[list[KnownExecution], bool]:
    """Return the executions of the tree that ``start`` is in, its root first and then breadth first, the oldest first;
    and whether there are more. Without ``upwards`` ``start`` is the root.

    Anybody who may write an execution may write its label: a circle is walked once.
    """
    by_uid: dict[str, KnownExecution] = {}
    children: dict[str, list[KnownExecution]] = {}
    for one in known:
        by_uid[one.uid] = one
        if one.parent is not None:
            children.setdefault(one.parent, []).append(one)
    root = start
    above = {start.uid}
    while upwards and root.parent is not None and root.parent not in above and root.parent in by_uid:
        root = by_uid[root.parent]
        above.add(root.uid)
        if len(above) > MOST_NODES:
            break
    found = [root]
    seen = {root.uid}
    for one in found:
        for child in sorted(children.get(one.uid, ()), key=lambda child: child.order):
            if child.uid in seen:
                continue
            if len(found) >= MOST_NODES:
                return found, True
            seen.add(child.uid)
            found.append(child)
    return found, False
