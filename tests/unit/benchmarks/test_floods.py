"""What ``make floods`` makes of its figures."""

import re

import pytest

from benchmarks.floods.attacking import AttackEndedError, attacking
from benchmarks.floods.attacks import Attacker, Tally
from benchmarks.floods.outcome import Load, Outcome, within
from benchmarks.floods.plans import CONTROLS, PLANS
from benchmarks.floods.report import line, report
from benchmarks.floods.stage import Tenant
from benchmarks.floods.witness import Seen

STRONG = Load(sent=50, answers={"201": 50.0}, held=500)


def seen(milliseconds: float, **failures: int) -> Seen:
    found = Seen({"status": [milliseconds]})
    found.failures.update(failures)
    return found


def outcome(quiet: float, flooded: float, load: Load = STRONG, **more) -> Outcome:
    return Outcome("unknown ids", seen(quiet), seen(flooded), load=load, **more)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (outcome(100, 200), "ok"),
        (outcome(10, 60), "ok"),
        (outcome(100, 201), "NOT MET"),
        (outcome(10, 61), "NOT MET"),
        (outcome(10, 10, restarts=1), "NOT MET"),
        (Outcome("unknown ids", seen(10, busy=1), seen(10), load=STRONG), "NOT MET"),
        (outcome(10, 10, Load(sent=50, answers={"404": 19.9})), "TOO WEAK"),
        (Outcome("streams", seen(10), seen(10), load=Load(answers={"200": 99.0}, held=29)), "TOO WEAK"),
        (outcome(10, 10, broken="it has ended"), "NO FIGURES: it has ended"),
    ],
)
def test_a_bar_is_met_only_beside_a_strong_attack_and_without_any_failure(found, verdict, capsys):
    assert (found.verdict, found.good) == (verdict, verdict == "ok")
    report([found])
    assert verdict in re.sub(r"[\s│]+", " ", capsys.readouterr().out)
    assert verdict in line(found)


def test_twice_as_long_or_the_noise_of_one_machine_is_within_the_bar():
    assert within(100, 200)
    assert within(0, 50)
    assert not within(60, 121)


def test_a_load_is_what_came_between_two_looks():
    before, after = Tally(10, {"201": 5}, held=40), Tally(30, {"201": 9, "503": 2}, held=20)
    load = Load.between(before, after, {}, 2.0)
    assert (load.sent, load.answers, load.held, load.served) == (10.0, {"201": 2.0, "503": 1.0}, 30.0, 2.0)


def test_what_plain_objects_cost_stands_beside_the_attack(capsys):
    report([outcome(10, 20, control=seen(15))])
    assert "10 → 20 [15]" in capsys.readouterr().out
    assert {plan.control for plan in PLANS.values() if plan.control} == set(CONTROLS)


async def test_an_attack_that_ends_by_itself_is_an_error_of_its_own_and_ends_no_other():
    """It ended the whole run, which then printed no table."""
    nowhere = Attacker("http://127.0.0.1:1", Tenant("ns", "token", "name"), "token")
    with pytest.raises(AttackEndedError, match="'no such attack' has ended by itself"):
        async with attacking("no such attack", nowhere):
            pass
