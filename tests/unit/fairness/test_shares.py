"""Payers and what they have waiting: groups take turns, then names, then parts."""

from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.fairness.payers import OWN_WORK, Payer, current_payer, namespace_payer, paid_by, pay_as
from serviceexecution.fairness.shares import Shares

PAYERS = st.builds(
    Payer, st.sampled_from(["own", "callers"]), st.sampled_from(["a", "b"]), st.sampled_from(["", "x", "y"])
)


def taken(shares):
    found = []
    while (item := shares.take()) is not None:
        found.append(item)
    return found


def test_many_parts_are_one_share_of_their_name():
    shares = Shares[str]()
    for number in range(6):
        shares.add(Payer("callers", "flooder", f"namespace-{number}"), f"flood {number}")
    shares.add(Payer("callers", "witness", "team"), "first")
    shares.add(Payer("callers", "witness", "team"), "second")
    assert taken(shares)[:4] == ["flood 0", "first", "flood 1", "second"]


def test_many_names_are_one_share_of_their_group():
    shares = Shares[str]()
    for number in range(100):
        shares.add(Payer("strangers", f"address {number}"), f"stranger {number}")
    shares.add(OWN_WORK, "watch")
    shares.add(Payer("callers", "alice"), "alice")
    assert set(taken(shares)[:3]) == {"stranger 0", "watch", "alice"}


def test_an_account_that_may_not_have_more_keeps_its_place():
    shares = Shares[str]()
    shares.add(Payer("callers", "a"), "a")
    shares.add(Payer("callers", "b"), "b")
    shares.add(OWN_WORK, "own")
    assert shares.take(lambda account: account == ("callers", "b")) == "b"
    assert shares.take(lambda account: account == ("callers", "b")) is None
    assert sorted(taken(shares)) == ["a", "own"]


@given(st.lists(st.tuples(PAYERS, st.booleans()), max_size=40))
def test_what_was_added_comes_once_in_its_payers_order_unless_it_was_removed(steps):
    shares = Shares[int]()
    for number, (payer, _) in enumerate(steps):
        shares.add(payer, number)
    for number, (payer, leaves) in enumerate(steps):
        if leaves:
            shares.remove(payer, number)
            shares.remove(payer, number)
    stays = [(number, payer) for number, (payer, leaves) in enumerate(steps) if not leaves]
    for payer in {payer for _, payer in stays}:
        assert shares.waiting(payer) == sum(one.account == payer.account for _, one in stays)
    assert len(shares) == len(stays)
    found = taken(shares)
    assert sorted(found) == [number for number, _ in stays]
    for payer in {payer for _, payer in stays}:
        own = [number for number, one in stays if one == payer]
        assert [number for number in found if number in own] == own
    assert (len(shares), shares.waiting(Payer("own", "a"))) == (0, 0)


def test_who_pays_is_known_to_the_task_and_ends_with_the_block():
    assert current_payer() == OWN_WORK
    with paid_by(namespace_payer("team")):
        assert current_payer().namespace == "team"
        pay_as(Payer("callers", "alice", "team-a"))
        assert current_payer().namespace == "team-a"
    assert current_payer() == OWN_WORK
