"""The plan of ``make chaos`` comes from its seed, and its judgement misses nothing."""

import dataclasses
from typing import cast

import pytest

from benchmarks.chaos.judgement import Broken, Seen, judge
from benchmarks.chaos.plan import FAULTS, Fault, Submission, make_plan
from benchmarks.chaos.programs import BUILD, PROGRAMS
from tests.support.accounts import account_token
from tests.support.cluster import Cluster


def right(kind: str) -> Seen:
    program = PROGRAMS[kind]
    phase, reason = program.end
    log = "".join(f"{line}\n" for line in program.log)
    return Seen(phase, reason, "", 1, log, program.digests, has_ended=True)


def test_the_same_seed_makes_the_same_plan():
    first = make_plan(7, 600, executions=150, faults=75)
    assert first == make_plan(7, 600, executions=150, faults=75)
    assert first != make_plan(8, 600, executions=150, faults=75)


def test_a_long_plan_has_every_kind_of_submission_and_of_fault():
    plan = make_plan(1, 3600, executions=900, faults=450)
    assert {step.kind for step in plan if isinstance(step, Submission)} == {*PROGRAMS, BUILD}
    wanted = {f"{target} {what}" for what, targets in FAULTS.items() for target in targets}
    assert {step.kind for step in plan if isinstance(step, Fault)} == wanted


def test_a_plan_is_in_order_and_its_last_fault_leaves_time():
    plan = make_plan(3, 100, executions=25, faults=12)
    assert list(plan) == sorted(plan, key=lambda step: step.at)
    assert max(step.at for step in plan if isinstance(step, Fault)) <= 95


@pytest.mark.parametrize("kind", PROGRAMS)
def test_an_execution_that_ended_as_its_program_does_is_right(kind):
    assert judge(PROGRAMS[kind], right(kind)).faults == {}


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({"has_ended": False, "phase": "Pending"}, Broken.STUCK),
        ({"reason": "PodLost", "phase": "Failed"}, Broken.WRONG),
        ({"starts": 2}, Broken.TWICE),
        ({"log": None}, Broken.LINES),
        ({"log": "begun\n"}, Broken.LINES),
        ({"log": "begun\nended\nended\n"}, Broken.LINES),
        ({"log": "ended\nbegun\n"}, Broken.LINES),
        ({"files": None}, Broken.OUTPUT),
        ({"files": {}}, Broken.OUTPUT),
        ({"files": {"output.json": "0" * 64}}, Broken.OUTPUT),
    ],
)
def test_each_fault_is_found_and_said(change, broken):
    verdict = judge(PROGRAMS["quick"], dataclasses.replace(right("quick"), **change))
    assert list(verdict.faults) == [broken]
    assert verdict.faults[broken]


def test_a_file_too_many_is_a_fault():
    seen = right("quick")
    files = {**PROGRAMS["quick"].digests, "other.txt": "0" * 64}
    assert list(judge(PROGRAMS["quick"], dataclasses.replace(seen, files=files)).faults) == [Broken.OUTPUT]


def test_lines_that_a_killed_containerd_never_wrote_are_counted_apart():
    seen = dataclasses.replace(right("chatty"), log="1\n2\n", runtime_died=True)
    verdict = judge(PROGRAMS["chatty"], seen)
    assert (verdict.faults, verdict.never_written) == ({}, 29_998)


def test_doubled_lines_are_a_fault_even_after_a_killed_containerd():
    seen = dataclasses.replace(right("quick"), log="begun\nended\nended\n", runtime_died=True)
    assert list(judge(PROGRAMS["quick"], seen).faults) == [Broken.LINES]


@pytest.mark.parametrize("kind", ["cancelled", "overdue"])
def test_a_stopped_program_need_not_outlive_a_long_outage(kind):
    assert judge(PROGRAMS[kind], dataclasses.replace(right(kind), files=None)).faults == {}


def test_a_program_cancelled_before_it_began_has_left_nothing():
    seen = dataclasses.replace(right("cancelled"), starts=0, log=None, files=None)
    assert judge(PROGRAMS["cancelled"], seen).faults == {}


class Tokens:
    """A cluster that hands out tokens."""

    def __init__(self) -> None:
        self.seconds = 0

    def create(self, kind, namespace, manifest):
        return {**manifest, "status": {"allowed": True}}

    def create_sub(self, kind, namespace, name, subresource, manifest):
        self.seconds = manifest["spec"]["expirationSeconds"]
        return {"status": {"token": "of-a-test"}}


def test_what_an_hour_of_chaos_left_is_read_with_a_token_that_is_still_valid():
    tokens = Tokens()
    assert account_token(cast("Cluster", tokens), "ns", "developer", "edit") == "of-a-test"
    assert tokens.seconds > 2 * 3600
