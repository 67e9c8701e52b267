"""Executions in memory, found by service and by id. Pure: the watch is elsewhere."""

from bisect import bisect_left, insort
from operator import attrgetter
from typing import Final, TypeVar

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.caches.fair_room import FairRoom
from serviceexecution.gateway.state.changes import Changes
from serviceexecution.gateway.state.known_execution import KnownExecution, known_execution
from serviceexecution.gateway.state.queues import Queues

KNOWN_BYTES: Final = 160 * 2**20
"""Most memory for executions: some 150,000 of usual size, a third of the gateway's default limit. Beyond it the oldest
executions of the namespace that has most are forgotten: the API server is asked for them by name, lists end before
them."""
_Key = TypeVar("_Key")
_ORDER: Final = attrgetter("order")


class ExecutionIndex:
    """The newest known state of executions that belong to a service."""

    def __init__(self, limit: int = KNOWN_BYTES, changes: Changes | None = None) -> None:
        """``limit`` is in bytes, for all namespaces together; ``changes`` is told of what changes."""
        self._changes = changes or Changes()
        self.queues = Queues()
        """Who waits for which service."""
        self._room = FairRoom(limit)
        self._by_name: dict[str, dict[str, KnownExecution]] = {}
        self._by_uid: dict[str, KnownExecution] = {}
        self._of_service: dict[tuple[str, str], list[KnownExecution]] = {}
        self._by_age: dict[str, list[KnownExecution]] = {}
        """By namespace; both lists have the oldest first."""

    def put(self, body: JsonObject) -> KnownExecution | None:
        """Take an execution unless this state or a newer one is known; return what is known of it now.

        None for one that is no service's, or that cannot be read.
        """
        execution = known_execution(body)
        if execution is None:
            return None
        known = self._by_name.get(execution.namespace, {}).get(execution.name)
        if known is not None:
            if known.version > execution.version or known == execution:
                return known
            self._forget(known)
        self._by_name.setdefault(execution.namespace, {})[execution.name] = execution
        self._by_uid[execution.uid] = execution
        for runs in (
            self._of_service.setdefault((execution.namespace, execution.service), []),
            self._by_age.setdefault(execution.namespace, []),
        ):
            insort(runs, execution, key=_ORDER)
        self._room.add(execution.namespace, execution.size)
        self.queues.add(execution)
        while (largest := self._room.who_must_give()) is not None:
            self._forget(self._by_age[largest][0])
        self._changes.put(execution)
        return execution

    def drop(self, namespace: str, name: str, uid: str) -> None:
        """Forget a deleted execution, unless another one has its name by now."""
        known = self._by_name.get(namespace, {}).get(name)
        if known is not None and known.uid == uid:
            self._forget(known)
            self._changes.removed(known)

    def names(self, namespace: str | None) -> list[tuple[str, str]]:
        """Return namespace and name of all, or of one namespace."""
        chosen = list(self._by_name) if namespace is None else [namespace]
        return [(of, name) for of in chosen for name in self._by_name.get(of, ())]

    def drop_unlisted(self, names: list[tuple[str, str]], listed: set[str], version: int) -> None:
        """Forget those of ``names`` that a list as of ``version`` does not show; ``listed`` holds the uids in it."""
        for namespace, name in names:
            known = self._by_name.get(namespace, {}).get(name)
            if known is not None and known.uid not in listed and known.version <= version:
                self._forget(known)
                self._changes.removed(known)

    def everything(self) -> list[KnownExecution]:
        """Return all that are known, in no order."""
        return list(self._by_uid.values())

    def find(self, namespace: str, service: str | None, api_id: str) -> KnownExecution | None:
        """Return the execution of that service, or without one of any of the namespace, and id.

        An id belongs to the execution that has it as its uid. Anybody may name another execution like that: it is
        found by its own uid only.
        """
        found = self._by_uid.get(api_id)
        if found is None:
            found = self._by_name.get(namespace, {}).get(api_id)
            if found is None or not found.own_name_is_id:
                return None
        return found if found.namespace == namespace and service in {None, found.service} else None

    def id_of(self, execution: KnownExecution) -> str:
        """Return the execution's id in the API, by which ``find`` finds it and no other."""
        owner = self._by_uid.get(execution.name)
        if execution.own_name_is_id and (owner is None or owner.uid == execution.uid):
            return execution.name
        return execution.uid

    def of_service(self, namespace: str, service: str | None) -> list[KnownExecution]:
        """Return the executions of a service, or of all of the namespace, the oldest first; not a copy."""
        if service is None:
            return self._by_age.get(namespace, [])
        return self._of_service.get((namespace, service), [])

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._by_uid)

    def _forget(self, known: KnownExecution) -> None:
        names = self._by_name[known.namespace]
        del names[known.name]
        if not names:
            del self._by_name[known.namespace]
        self._by_uid.pop(known.uid, None)
        _remove(self._of_service, (known.namespace, known.service), known)
        _remove(self._by_age, known.namespace, known)
        self._room.add(known.namespace, -known.size)
        self.queues.remove(known)


def _remove(lists: dict[_Key, list[KnownExecution]], key: _Key, known: KnownExecution) -> None:
    runs = lists[key]
    del runs[bisect_left(runs, known.order, key=_ORDER)]
    if not runs:
        del lists[key]
