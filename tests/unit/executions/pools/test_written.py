"""How a run ends whose changes of a data pool were not kept, and what its status says of them."""

import pytest

from serviceexecution.executions.pools.written import unwritten_sentence, with_writes
from serviceexecution.resources.executions.used_pools import UsedPool, WrittenPool
from serviceexecution.store.records import PoolWrite

USED = (
    UsedPool(property="a", name="a", uid="u-a", writable=True),
    UsedPool(property="b", name="b", uid="u-b"),
)


def test_what_is_written_is_no_fault():
    assert unwritten_sentence(()) is None
    assert unwritten_sentence([PoolWrite(property="a", reason="Written", index="ab")]) is None


def test_a_fault_names_the_pool_and_the_cause():
    pools = [
        PoolWrite(property="a", reason="Written", index="ab"),
        PoolWrite(property="b", reason="Conflict", message="Another writer.", index="cd"),
    ]
    assert unwritten_sentence(pools) == '"b": Conflict. Another writer.'


@pytest.mark.parametrize("count", [3, 128])
def test_of_many_faults_three_are_named(count):
    pools = [
        PoolWrite(property=f"p{number}", reason="NotKept", message="m" * 5000) for number in range(count)
    ]
    text = unwritten_sentence(pools) or ""
    assert len(text) < 1200
    assert text.endswith(f"And {count - 3} more.") == (count > 3)


def test_the_status_says_what_became_of_each_pool():
    found = with_writes(USED, [PoolWrite(property="a", reason="Conflict", message="m", index="ab")])
    assert found is not None
    assert found[0].written == WrittenPool(reason="Conflict", message="m", index="ab")
    assert found[1] == USED[1]
    assert with_writes(USED, ()) is USED
    assert with_writes(None, ()) is None
