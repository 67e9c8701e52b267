"""Who is told of changes, and what is remembered of deletions."""

from typing import Any

from serviceexecution.gateway.state.changes import Changes
from serviceexecution.gateway.state.execution_index import ExecutionIndex
from tests.unit.gateway.waiting.bodies import body


def test_those_who_listen_to_an_execution_or_its_namespace_are_told():
    changes = Changes()
    index = ExecutionIndex(changes=changes)
    told: list[Any] = []
    with (
        changes.of_execution(
            "uid-a", lambda change: told.append(("a", change.execution.phase, change.removed))
        ),
        changes.of_namespace("team-a", lambda change: told.append(("team-a", change.execution.name))),
        changes.of_namespace("team-b", lambda change: told.append("never")),
    ):
        index.put(body("a", 1))
        index.put(body("a", 1))  # Nothing new
        index.put(body("b", 2))
        index.drop("team-a", "a", "uid-a")
    index.put(body("a", 4))
    assert told == [
        ("a", "Pending", False),
        ("team-a", "a"),
        ("team-a", "b"),
        ("a", "Pending", True),
        ("team-a", "a"),
    ]


def test_an_execution_that_has_no_room_is_not_gone():
    changes = Changes()
    index, told = ExecutionIndex(limit=1, changes=changes), []
    with changes.of_namespace("team-a", lambda change: told.append(change.removed)):
        index.put(body("a", 1))
    assert told == [False]
    assert len(index) == 0


def test_deletions_are_known_from_the_first_list_on_and_no_further_than_memory_goes():
    changes = Changes(remembered=2)
    index = ExecutionIndex(changes=changes)
    assert changes.removed_since("team-a", 5) is None
    changes.begin(None, 10)
    assert changes.removed_since("team-a", 9) is None
    assert changes.removed_since("team-a", 10) == []
    for number, name in enumerate("abc"):
        changes.reached("team-a", 11 + number)
        index.put(body(name, 11 + number))
        index.drop("team-a", name, f"uid-{name}")
    assert changes.removed_since("team-a", 10) is None
    assert [one.execution.name for one in changes.removed_since("team-a", 12)] == ["b", "c"]
    assert changes.removed_since("team-b", 13) == []


def test_of_a_deletion_nothing_long_is_remembered():
    changes = Changes()
    index = ExecutionIndex(changes=changes)
    changes.begin(None, 10)
    long = body("a", 11)
    long["spec"]["tags"] = ["t" * 200] * 10
    long["status"] = {"phase": "Failed", "message": "m" * 1000}
    assert index.put(long).size > 4000
    index.drop("team-a", "a", "uid-a")
    assert changes.removed_since("team-a", 10)[0].execution.size < 1100


def test_what_we_write_ourselves_is_no_progress_of_the_watch():
    changes = Changes()
    changes.begin(None, 10)
    ExecutionIndex(changes=changes).put(body("a", 20))
    assert changes.version("team-a") == 10
    changes.reached("team-a", 15)
    changes.reached("team-a", 12)
    changes.begin("team-b", 30)
    assert [changes.version(name) for name in ("team-a", "team-b", "team-c")] == [15, 30, 10]
