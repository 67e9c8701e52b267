"""What is said of an execution's place in its service's queue, and how seldom it is said anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.executions.decide import decide
from serviceexecution.executions.place import LEAST_RUNS, has_moved, place_detail
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.reasons import Reason, sentence
from serviceexecution.resources.executions.execution_status import Phase
from tests.unit.executions.builders import at, execution, observation, status

QUEUED = "Queued"
NEXT = "It is the next of this service's executions"


@pytest.mark.parametrize(
    ("ahead", "concurrency", "turn"),
    [
        (0, 4, "2026-03-01 12:00 and 2026-03-01 12:10"),
        (3, 4, "2026-03-01 12:00 and 2026-03-01 12:10"),
        (4, 4, "2026-03-01 12:10 and 2026-03-01 12:20"),
        (9, 1, "2026-03-01 13:30 and 2026-03-01 13:40"),
        (1000, 1, "2026-03-08 10:40 and 2026-03-08 10:50"),
    ],
)
def test_the_turn_is_estimated_by_the_last_runs(ahead, concurrency, turn):
    said = place_detail(ahead, concurrency, [600] * 5, at(0))
    come = "comes" if ahead == 1 else "come"
    place = f"{ahead} of this service's executions {come} first" if ahead else NEXT
    assert said == (
        f"{place}; its concurrency is {concurrency}. By its last 5 runs it starts between {turn} UTC."
    )


@pytest.mark.parametrize("past", [[], [600] * (LEAST_RUNS - 1), [10**12] * 30])
def test_where_little_is_known_nothing_is_estimated(past):
    assert (
        place_detail(3, 1, past, at(0)) == "3 of this service's executions come first; its concurrency is 1."
    )


def test_runs_that_differ_widen_the_estimate():
    assert "between 2026-03-01 12:02 and 2026-03-01 12:08" in place_detail(
        1, 1, [60, 120, 180, 240, 300], at(0)
    )


@given(st.integers(0, 10_000), st.randoms())
def test_a_place_is_said_a_few_times_however_the_queue_moves(first, random):
    said, writes, ahead = place_detail(first, 1, [], at(0)), 0, first
    while ahead:
        ahead = random.randint(max(0, ahead - 100), ahead - 1)
        now = place_detail(ahead, 1, [], at(0))
        if has_moved(said, now):
            said, writes = now, writes + 1
    assert said.startswith((NEXT, "1 of")) or first == ahead
    assert writes <= first.bit_length()


@pytest.mark.parametrize(
    ("said", "ahead", "anew"),
    [
        (8, 5, False),
        (8, 4, True),
        (8, 9, False),
        (2, 1, True),
        (2, 0, True),
        (1, 0, False),
        (0, 0, False),
        (1, 1, False),
    ],
)
def test_the_message_is_written_again_when_half_of_them_are_left(said, ahead, anew):
    before = sentence(Reason.QUEUED, place_detail(said, 1, [], at(0)))
    problem = PlanProblem(Reason.QUEUED, place_detail(ahead, 1, [60] * 5, at(0)), waiting=True)
    known = status(Phase.PENDING, QUEUED, message=before, since=at(0))
    decision = decide(observation(execution(known), plan=problem, now=300))
    expected = sentence(Reason.QUEUED, problem.detail) if anew else before
    assert decision.status.message == expected
    assert decision.status.since == at(0)


@pytest.mark.parametrize(
    "said", ["", 'The execution waits in its queue. Its queue is "q".', "many come first"]
)
def test_other_sentences_of_the_queue_are_left_as_they_are(said):
    assert not has_moved(said, place_detail(1, 1, [], at(0)))


def test_what_an_earlier_version_has_said_of_the_next_one_stays():
    before = "0 of this service's executions come first; its concurrency is 1."
    assert not has_moved(before, place_detail(0, 1, [], at(0)))
    assert has_moved(before.replace("0 of", "2 of"), place_detail(0, 1, [], at(0)))
