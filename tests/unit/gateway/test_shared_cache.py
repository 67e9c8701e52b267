"""A cache that its owners share."""

from serviceexecution.gateway.caches.shared_cache import SharedCache


def cache():
    return SharedCache[str, int](seconds=60, capacity=6, per_owner=4)


def test_an_owner_pushes_out_what_is_his_own():
    found = cache()
    found.put("bob", "b", 1)
    for number in range(10):
        found.put("eve", f"e{number}", number)
    assert found.get("b") == 1
    assert [number for number in range(10) if found.get(f"e{number}") is not None] == [6, 7, 8, 9]
    assert len(found) == 5


def test_when_all_is_full_who_has_most_loses_the_oldest():
    found = cache()
    for number in range(4):
        found.put("eve", f"e{number}", number)
    for name in ("bob", "ada", "joe"):
        found.put(name, name, 1)
    assert found.get("e0") is None
    assert all(found.get(key) is not None for key in ("e1", "e2", "e3", "bob", "ada", "joe"))


def test_a_value_that_is_put_again_or_dropped_counts_once():
    found = cache()
    for _ in range(20):
        found.put("bob", "b", 1)
    assert len(found) == 1
    found.drop("b")
    found.drop("b")
    assert len(found) == 0
    assert not found._owners
