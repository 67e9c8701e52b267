"""Which builds may start: namespaces in turns, and no flood of one holds up another's."""

from datetime import UTC, datetime, timedelta

from serviceexecution.builds.reasons import BuildReason
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.services.slots import BuildSlots
from serviceexecution.controller.work.keys import ServiceKey

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Builds:
    """Services whose first revision is to be built."""

    def __init__(self, concurrency: int) -> None:
        self.cache = ObjectCache()
        self.slots = BuildSlots(self.cache, concurrency)
        self.count = 0

    def put(self, namespace: str, name: str, phase: str = "Pending") -> None:
        self.count += 1
        since = (BEGIN + timedelta(minutes=self.count)).strftime("%Y-%m-%dT%H:%M:%SZ")
        body: JsonObject = {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": f"{namespace}/{name}",
                "resourceVersion": str(self.count),
                "generation": 1,
                "creationTimestamp": since,
            },
            "spec": {"runtime": {"docker": {"build": {}}}, "source": {"git": {"url": "https://g/x"}}},
            "status": {
                "revisions": [
                    {
                        "name": "r1",
                        "key": "k",
                        "phase": phase,
                        "reason": BuildReason.QUEUED.value if phase == "Pending" else "Building",
                        "startTime": since,
                    }
                ]
            },
        }
        self.cache.put_definition(body)

    def ask(self, namespace: str, name: str) -> int | None:
        definition = self.cache.definition(ServiceKey(namespace, name))
        assert definition is not None
        return self.slots.ask(definition, definition.status.revisions[0])

    def next(self) -> list[str]:
        return [f"{key.namespace}/{key.name}" for key in self.slots.next_keys()]


def test_a_flood_of_builds_leaves_a_place_and_the_next_turn_to_others():
    builds = Builds(4)
    for number in range(10):
        builds.put("evil", f"s{number}")
    assert [builds.ask("evil", f"s{number}") for number in range(5)] == [None, None, None, 3, 4]
    builds.put("team-a", "mine")
    assert builds.next() == ["team-a/mine"]
    assert builds.ask("team-a", "mine") is None
    builds.put("team-b", "theirs")
    assert builds.ask("team-b", "theirs") == 4
    for number in range(3):
        builds.put("evil", f"s{number}", "Building")
    builds.put("team-a", "mine", "Succeeded")
    for key in [*builds.slots._granted]:
        definition = builds.cache.definition(ServiceKey(*key.split("/")))
        assert definition is not None
        builds.slots.settled(definition)
    assert builds.next() == ["team-b/theirs"]


def test_of_one_namespace_the_oldest_comes_first():
    builds = Builds(1)
    builds.put("team", "first")
    builds.put("team", "second")
    assert builds.ask("team", "second") == 1
    assert builds.next() == ["team/first"]
    assert builds.ask("team", "first") is None
    assert builds.next() == []
