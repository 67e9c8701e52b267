"""What the gateway remembers of executions: small records, by service and by id, and never more than its share."""

import copy
from typing import Any

import pytest

from serviceexecution.gateway.caches.fair_room import FairCache
from serviceexecution.gateway.state.execution_index import ExecutionIndex
from serviceexecution.gateway.state.known_execution import known_execution

UID = "5c0f8a6e-0000-4000-8000-000000000001"
OTHER = "6c0f8a6e-0000-4000-8000-000000000002"


def body(
    name="run", uid=UID, version=1, *, namespace="ns", service="sum", second=0, **spec
) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "resourceVersion": str(version),
            "creationTimestamp": f"2026-11-27T00:{second // 60:02d}:{second % 60:02d}Z",
        },
        "spec": {"serviceRef": {"name": service}, **spec},
    }


def test_a_record_holds_what_answers_need():
    full = body(tags=["a", "b"], cancel=True, inputJson="{}")
    full["status"] = {
        "phase": "Failed",
        "reason": "ExitCode",
        "message": "The program ended with exit code 3.",
        "attempts": 2,
        "startTime": "2026-11-27T00:01:00Z",
        "completionTime": "2026-11-27T00:02:00Z",
        "service": {"uid": OTHER, "outputSchema": {"type": "object"}},
    }
    known = known_execution(full)
    assert known is not None
    assert (known.service, known.service_uid, known.tags, known.cancel) == ("sum", OTHER, ("a", "b"), True)
    assert (known.status.phase, known.reason, known.attempts) == ("Failed", "ExitCode", 2)
    assert known.has_ended
    assert known.start_time is not None
    assert known.start_time.isoformat() == "2026-11-27T00:01:00+00:00"


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"runtime": {"docker": {"image": "i"}}}},
        {"spec": None},
        {"spec": {"serviceRef": "sum"}},
        {"status": {"phase": "Paused"}},
        {"metadata": {"name": "x", "namespace": "ns", "uid": UID, "creationTimestamp": "yesterday"}},
        {"metadata": []},
    ],
)
def test_what_is_no_service_s_or_cannot_be_read_is_none(change):
    assert known_execution({**body(), **change}) is None


def test_long_tags_and_messages_are_left_out_and_said_to_be():
    full = body(tags=["ä" * 256] * 64)
    known, whole = known_execution(full), known_execution(full, whole=True)
    assert known is not None
    assert whole is not None
    assert (known.cut, known.tags, whole.cut, len(whole.tags)) == (True, (), False, 64)


class TestIds:
    def test_an_id_belongs_to_the_execution_whose_uid_it_is(self):
        index = ExecutionIndex()
        index.put(body("my-run", UID, 5))
        index.put(body(UID, OTHER, 6))
        found = index.find("ns", "sum", UID)
        assert found is not None
        assert found.name == "my-run"
        thief = index.find("ns", "sum", OTHER)
        assert thief is not None
        assert (thief.name, index.id_of(thief)) == (UID, OTHER)

    @pytest.mark.parametrize("first", [True, False])
    def test_an_execution_is_found_after_another_of_its_id_has_come_or_gone(self, first):
        index = ExecutionIndex()
        both = [body("my-run", UID, 5), body(UID, OTHER, 6)]
        for one in both if first else reversed(both):
            index.put(copy.deepcopy(one))
        index.drop("ns", UID, OTHER)
        found = index.find("ns", "sum", UID)
        assert found is not None
        assert found.uid == UID

    def test_a_name_that_is_a_uid_elsewhere_reaches_nothing_there(self):
        index = ExecutionIndex()
        index.put(body("my-run", UID, 5, namespace="other"))
        index.put(body(UID, OTHER, 6))
        assert index.find("ns", "sum", UID) is None
        assert index.find("ns", "other", OTHER) is None

    def test_the_id_of_what_came_by_the_api_is_its_name(self):
        index = ExecutionIndex()
        known = index.put(body(OTHER, UID))
        assert known is not None
        assert index.id_of(known) == OTHER
        assert index.find("ns", "sum", OTHER) is known

    def test_a_name_that_is_no_uuid_is_no_id(self):
        index = ExecutionIndex()
        index.put(body("my-run", UID))
        assert index.find("ns", "sum", "my-run") is None


class TestIndex:
    def test_an_older_state_changes_nothing(self):
        index = ExecutionIndex()
        index.put(body(version=7, cancel=True))
        known = index.put(body(version=6))
        assert known is not None
        assert known.cancel
        assert len(index) == 1

    def test_executions_of_a_service_stay_in_order(self):
        index = ExecutionIndex()
        for second in (5, 1, 3, 2, 4):
            index.put(body(f"run-{second}", f"uid-{second}", second=second))
        index.drop("ns", "run-3", "uid-3")
        index.put(body("run-2", "uid-2", 9, second=2))
        assert [one.name for one in index.of_service("ns", "sum")] == ["run-1", "run-2", "run-4", "run-5"]

    def test_an_execution_that_changes_its_service_leaves_the_other(self):
        index = ExecutionIndex()
        index.put(body(version=1))
        index.put(body(uid=OTHER, version=2, service="other"))  # deleted and made again, unseen
        assert index.of_service("ns", "sum") == []
        assert index.find("ns", "sum", UID) is None
        assert len(index) == 1

    def test_a_list_forgets_what_it_does_not_show(self):
        index = ExecutionIndex()
        index.put(body("old", "uid-old", 3))
        index.put(body("new", "uid-new", 9))
        index.drop_unlisted(index.names(None), set(), 5)
        assert [name for _, name in index.names("ns")] == ["new"]

    def test_whoever_has_most_loses_his_oldest(self):
        index = ExecutionIndex(limit=100_000)
        index.put(body("quiet", "uid-quiet", namespace="quiet"))
        for number in range(500):
            index.put(body(f"run-{number}", f"uid-{number}", number + 1, second=number))
        assert index.find("quiet", "sum", "uid-quiet") is not None
        assert 80 < len(index) < 110
        assert index.find("ns", "sum", "uid-499") is not None, "the newest stay"
        assert [one.name for one in index.of_service("ns", "sum")][-1] == "run-499"
        for number in range(500):
            index.drop("ns", f"run-{number}", f"uid-{number}")
        assert len(index) == 1


class TestFairCache:
    def test_what_was_used_longest_ago_goes_first(self):
        cache: FairCache[int] = FairCache(100)
        cache.put("a", "one", 1, 40)
        cache.put("a", "two", 2, 40)
        assert cache.get("a", "one") == 1
        cache.put("a", "three", 3, 40)
        assert (cache.get("a", "one"), cache.get("a", "two"), cache.get("a", "three")) == (1, None, 3)

    def test_a_full_cache_forgets_from_the_namespace_that_holds_most(self):
        cache: FairCache[int] = FairCache(100)
        cache.put("quiet", "one", 1, 20)
        for number in range(20):
            cache.put("loud", str(number), number, 30)
        assert cache.get("quiet", "one") == 1
        assert len(cache) == 3

    def test_what_is_larger_than_all_is_not_kept(self):
        cache: FairCache[int] = FairCache(100)
        cache.put("a", "one", 1, 101)
        assert (cache.get("a", "one"), len(cache)) == (None, 0)
