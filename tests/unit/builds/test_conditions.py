"""What people, ``kubectl wait`` and kstatus read of a service."""

import pytest

from serviceexecution.resources.services.definition_status import RevisionPhase, ServicePhase
from tests.unit.builds.builders import (
    at,
    building,
    condition,
    decided,
    definition,
    docker_spec,
    pod,
    revision,
    running,
    settings,
    status,
)

OK, FAILED = RevisionPhase.SUCCEEDED, RevisionPhase.FAILED
BROKEN = {"reason": "StepFailed", "message": "RUN make ended with 2."}


def kstatus(one, decision):
    """Return what kstatus makes of it: its rules for kinds that it does not know."""
    given = decision.status
    if given.observed_generation != one.metadata.generation:
        return "InProgress"
    truths = {found.type: found.status for found in given.conditions}
    if truths.get("Reconciling") == "True":
        return "InProgress"
    if truths.get("Stalled") == "True":
        return "Failed"
    return "Current" if truths.get("Ready") == "True" else "InProgress"


def said(one, **members):
    decision = decided(one, **members)
    ready, built = condition(decision, "Ready"), condition(decision, "Built")
    return decision.status.phase, ready[:2], built[:2], kstatus(one, decision)


class TestGivenImages:
    def test_ready_is_all_that_is_said(self):
        one = definition(spec={"runtime": {"docker": {"image": "sum:1"}}})
        decision = decided(one)
        assert [found.type for found in decision.status.conditions] == ["Ready"]
        assert condition(decision, "Ready") == ("True", "Valid", "Executions of this service can start.")
        assert (decision.status.phase, decision.status.image) == (ServicePhase.READY, "sum:1")
        assert decision.status.revision is None

    def test_a_problem_of_a_given_image_makes_it_not_ready(self):
        one = definition(spec={"runtime": {"docker": {"image": "sum:1"}}})
        decision = decided(one, problem="spec.inputSchema: no")
        assert condition(decision, "Ready") == ("False", "Invalid", "spec.inputSchema: no")
        assert decision.status.phase is ServicePhase.FAILED

    def test_revisions_of_earlier_days_stay_listed(self):
        before = status(revision(OK, key="x"), serving="r1")
        decision = decided(definition(before, spec={"runtime": {"docker": {"image": "sum:1"}}}))
        assert [one.name for one in decision.status.revisions] == ["r1"]
        assert (decision.status.revision, decision.status.image) == (None, "sum:1")


class TestBuiltOnes:
    def test_while_the_first_image_is_built_nothing_has_failed(self):
        one = definition(status(building()))
        assert said(one, pod=pod(running())) == (
            ServicePhase.BUILDING,
            ("False", "Building"),
            ("False", "Building"),
            "InProgress",
        )

    @pytest.mark.parametrize(
        ("members", "reason"), [({"source_missing": True}, "SourceMissing"), ({"before": 2}, "Queued")]
    )
    def test_a_waiting_first_build_is_not_ready(self, members, reason):
        one = definition(status(revision()))
        phase, ready, built, whole = said(one, **members)
        assert (phase, ready, built) == (ServicePhase.BUILDING, ("False", "Building"), ("False", reason))
        assert whole == "InProgress"
        message = condition(decided(one, **members), "Ready")[2]
        assert message.startswith("The first image is being built. r1: ")

    def test_the_first_image_was_built(self):
        one = definition(status(revision(OK), serving="r1"))
        assert said(one) == (ServicePhase.READY, ("True", "Valid"), ("True", "Succeeded"), "Current")

    def test_the_first_build_failed(self):
        one = definition(status(revision(FAILED, **BROKEN)))
        assert said(one) == (
            ServicePhase.FAILED,
            ("False", "StepFailed"),
            ("False", "StepFailed"),
            "Failed",
        )
        assert condition(decided(one), "Ready")[2] == "r1: RUN make ended with 2."

    def test_the_last_good_one_serves_while_a_new_one_builds(self):
        one = definition(
            status(
                building(name="r2", reason="Starting", recorded=False), revision(OK, key="old"), serving="r1"
            )
        )
        assert said(one)[:3] == (ServicePhase.READY, ("True", "Valid"), ("False", "Starting"))
        assert said(one)[3] == "InProgress", "helm --wait waits for the newest"

    def test_a_failed_first_build_is_not_ready(self):
        one = definition(status(revision(FAILED, name="r2", **BROKEN), revision(OK, key="old"), serving="r1"))
        assert said(one) == (ServicePhase.READY, ("True", "Valid"), ("False", "StepFailed"), "Failed")
        decision = decided(one)
        assert decision.status.revision == "r1"
        assert condition(decision, "Stalled") == ("True", "StepFailed", "r2: RUN make ended with 2.")

    def test_a_pin_that_serves(self):
        before = status(revision(OK, name="r2"), revision(OK, key="old"), serving="r2")
        one = definition(before, revision="r1")
        assert said(one) == (ServicePhase.READY, ("True", "Valid"), ("True", "Succeeded"), "Current")
        assert decided(one).status.revision == "r1"

    def test_a_pin_of_nothing_says_so_while_what_served_serves(self):
        one = definition(status(revision(OK), serving="r1"), revision="r7")
        phase, ready, built, whole = said(one)
        assert (phase, ready, built, whole) == (
            ServicePhase.FAILED,
            ("False", "RevisionUnusable"),
            ("True", "Succeeded"),
            "Failed",
        )
        assert decided(one).status.revision == "r1"
        assert "r7, which does not exist" in condition(decided(one), "Stalled")[2]

    def test_an_invalid_spec_is_built_nevertheless(self):
        one = definition(status(revision(OK), serving="r1"))
        assert said(one, problem="spec.inputSchema: no")[1:] == (
            ("False", "Invalid"),
            ("True", "Succeeded"),
            "Failed",
        )

    def test_what_cannot_be_built_as_it_is(self):
        one = definition(status(building()))
        decision = decided(one, build_problem="spec.build.timeout must be a duration.")
        assert decision.status.revisions[0].phase is RevisionPhase.SUPERSEDED
        assert condition(decision, "Ready") == ("False", "Invalid", "spec.build.timeout must be a duration.")
        assert kstatus(one, decision) == "Failed"


class TestWhereNothingIsBuilt:
    def test_the_installation_builds_nothing(self):
        decision = decided(definition(), settings=None, builder=None)
        truth, reason, message = condition(decision, "Ready")
        assert (truth, reason) == ("False", "NoBuilder")
        assert "builds.registry.address" in message
        assert decision.status.revisions == ()

    def test_the_namespace_may_not_build(self):
        decision = decided(definition(), settings=settings(namespaces=["other"]), builder=None)
        assert condition(decision, "Built")[:2] == ("False", "NoBuilder")
        assert "builds.namespaces" in condition(decision, "Built")[2]

    def test_what_was_built_before_serves(self):
        one = definition(status(revision(OK), serving="r1"))
        decision = decided(one, settings=None, builder=None)
        assert condition(decision, "Ready")[:2] == ("True", "Valid")
        assert decision.status.revision == "r1"


def test_transition_times_move_only_when_a_status_flips():
    first = decided(definition(), now=1)
    second = decided(definition(first.status), now=50, jobs=(), refused=None)
    times = {one.type: one.last_transition_time for one in second.status.conditions}
    assert set(times.values()) == {at(1)}
    done = decided(definition(status(revision(OK), serving="r1")).model_copy(), now=70)
    assert {one.last_transition_time for one in done.status.conditions} == {at(70)}


def test_every_condition_is_about_the_spec_that_was_seen():
    decision = decided(definition(status(revision(OK)), generation=7))
    assert {one.observed_generation for one in decision.status.conditions} == {7}
    assert decision.status.observed_generation == 7


def test_a_switch_from_an_image_to_a_build_waits_for_it():
    given = decided(definition(spec={"runtime": {"docker": {"image": "sum:1"}}}))
    decision = decided(definition(given.status, spec=docker_spec()))
    assert (decision.status.phase, decision.status.image) == (ServicePhase.BUILDING, None)
