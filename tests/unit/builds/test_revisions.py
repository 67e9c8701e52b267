"""Which revision is wanted, which one serves, which ones stay listed."""

import pytest

from serviceexecution.builds.revisions import (
    Wanted,
    active_of,
    advanced,
    pin_problem,
    pruned,
    serving_of,
    target_of,
)
from serviceexecution.resources.services.definition_status import KEPT_REVISIONS, RevisionPhase
from tests.unit.builds.builders import (
    at,
    attempt_key_of,
    building,
    definition,
    digest,
    docker_spec,
    key_of,
    python_spec,
    revision,
    settings,
    status,
)

OK, FAILED, GONE = RevisionPhase.SUCCEEDED, RevisionPhase.FAILED, RevisionPhase.SUPERSEDED
CANCELLED = RevisionPhase.CANCELLED


def built(name, key, phase=OK, **members):
    return revision(phase, name=name, key=key, **members)


def wanted(key, attempt_key="x"):
    return Wanted(key, attempt_key, digest("a"))


class TestKey:
    @pytest.mark.parametrize(
        "other",
        [
            docker_spec("b"),
            docker_spec(build={"token": "again"}),
            {**docker_spec(), "source": {"archive": {"digest": digest("a")}, "subPath": "service"}},
            {**docker_spec(), "source": {"git": {"url": "https://example.org/x.git"}}},
            {**docker_spec(), "runtime": {"docker": {"build": {"dockerfile": "Other"}}}},
            {**docker_spec(), "runtime": {"docker": {"build": {"target": "last"}}}},
            {**docker_spec(), "runtime": {"docker": {"build": {"args": {"A": "1"}}}}},
            {**docker_spec(), "runtime": {"docker": {"build": {"secrets": {"token": {"name": "s"}}}}}},
            python_spec(),
        ],
    )
    def test_what_changes_the_image_changes_the_key(self, other):
        assert key_of(definition(spec=other)) != key_of(definition())

    @pytest.mark.parametrize(
        "other",
        [
            docker_spec(description="another"),
            docker_spec(timeout="1h", env=[{"name": "A", "value": "1"}]),
            docker_spec(revision="r1"),
            docker_spec(build={"cancel": "r1"}),
            docker_spec(build={"timeout": "1h", "resources": {"limits": {"memory": "1Gi"}}}),
            {**docker_spec(), "runtime": {"docker": {"build": {}, "args": ["--fast"]}}},
        ],
    )
    def test_what_changes_the_run_alone_does_not(self, other):
        assert key_of(definition(spec=other)) == key_of(definition())

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (python_spec(), python_spec(runtime={"python": {"version": "3.12"}})),
            (python_spec(), python_spec(runtime={"python": {"entryPoint": "user_code.other:run"}})),
            (python_spec(), python_spec(runtime={"python": {"packageIndex": {"name": "index"}}})),
            (
                docker_spec() | {"source": {"git": {"url": "https://e.org/x"}}},
                docker_spec() | {"source": {"git": {"url": "https://e.org/x", "ref": "v2"}}},
            ),
        ],
    )
    def test_other_sources_have_another_key(self, one, other):
        assert key_of(definition(spec=one)) != key_of(definition(spec=other))

    def test_the_base_image_and_where_images_are_kept_count(self):
        python = definition(spec=python_spec())
        newer = settings(pythonImage="registry.example/python:{version}-2")
        moved = settings(registry={"address": "elsewhere:5000"})
        assert key_of(python) != key_of(python, newer)
        assert key_of(definition()) == key_of(definition(), newer), "no Python"
        assert key_of(definition()) != key_of(definition(), moved)

    def test_names_keep_services_apart(self):
        assert key_of(definition(name="adder")) != key_of(definition(name="other"))

    @pytest.mark.parametrize(
        ("members", "of"),
        [
            ({"build": {"timeout": "1h"}}, {}),
            ({"build": {"resources": {"limits": {"memory": "1Gi"}}}}, {}),
            ({"build": {"cache": {"persistentVolumeClaim": {"claimName": "c"}}}}, {}),
            ({}, {"image": "registry.example/builder:2"}),
            ({}, {"seccompProfile": "build.json"}),
            ({}, {"limits": {"image": "20Gi"}}),
        ],
    )
    def test_what_an_attempt_may_fail_by_has_a_key_of_its_own(self, members, of):
        one = definition(**members)
        assert key_of(one, settings(**of)) == key_of(definition())
        assert attempt_key_of(one, settings(**of)) != attempt_key_of(definition())


class TestAdvanced:
    def test_a_new_source_is_a_new_revision(self):
        after = advanced(status(), wanted("a"), at(5))
        (new,) = after.revisions
        assert (new.name, new.key, new.phase, new.start_time) == ("r1", "a", RevisionPhase.PENDING, at(5))
        assert (new.source_digest, after.last_revision) == (digest("a"), 1)
        assert advanced(after, wanted("a"), at(9)) == after, "doing it again changes nothing"

    def test_what_was_built_is_not_built_again(self):
        before = status(built("r2", "b"), built("r1", "a"), serving="r2")
        assert advanced(before, wanted("a"), at(5)) == before

    @pytest.mark.parametrize("phase", [FAILED, CANCELLED])
    def test_what_failed_is_not_tried_again_unchanged(self, phase):
        before = status(built("r1", "a", phase, attempt_key="x"))
        assert advanced(before, wanted("a"), at(5)) == before

    @pytest.mark.parametrize("phase", [FAILED, CANCELLED])
    def test_what_failed_is_tried_again_when_what_it_may_have_failed_by_changes(self, phase):
        after = advanced(status(built("r1", "a", phase, attempt_key="y")), wanted("a"), at(5))
        assert [one.name for one in after.revisions] == ["r2", "r1"]

    def test_what_failed_before_something_else_is_tried_again(self):
        before = status(built("r2", "b"), built("r1", "a", FAILED, attempt_key="x"))
        after = advanced(before, wanted("a"), at(5))
        assert [one.name for one in after.revisions] == ["r3", "r2", "r1"]

    def test_a_build_of_something_older_is_superseded(self):
        after = advanced(status(building(key="a")), wanted("b"), at(5))
        new, old = after.revisions
        assert (old.phase, old.reason, old.completion_time) == (GONE, "Superseded", at(5))
        assert (new.name, new.key) == ("r2", "b")

    def test_a_build_goes_on_when_only_its_timeout_changes(self):
        before = status(building(key="a", attempt_key="y"))
        assert advanced(before, wanted("a"), at(5)) == before

    def test_what_was_superseded_is_wanted_again(self):
        after = advanced(status(built("r2", "b", GONE), built("r1", "a", GONE)), wanted("b"), at(5))
        assert [one.name for one in after.revisions] == ["r3", "r2", "r1"]

    def test_going_back_to_what_was_built_supersedes_without_building(self):
        after = advanced(status(building(name="r2", key="b"), built("r1", "a")), wanted("a"), at(5))
        assert [(one.name, one.phase) for one in after.revisions] == [("r2", GONE), ("r1", OK)]

    def test_what_is_not_built_any_more_is_superseded(self):
        after = advanced(status(building(key="a")), None, at(5))
        assert [one.phase for one in after.revisions] == [GONE]
        assert active_of(after) is None

    def test_numbers_are_never_given_twice(self):
        after = advanced(status(built("r3", "a"), last=7), wanted("b"), at(5))
        assert (after.revisions[0].name, after.last_revision) == ("r8", 8)


class TestServing:
    def serving(self, before, key, pinned=None):
        found = serving_of(before, wanted(key), pinned)
        return found.name if found is not None else None

    def test_nothing_serves_at_first(self):
        assert self.serving(status(building(key="a")), "a") is None
        assert self.serving(status(built("r1", "a", FAILED)), "a") is None

    def test_what_is_wanted_serves_once_it_is_built(self):
        assert self.serving(status(built("r2", "b"), built("r1", "a"), serving="r1"), "b") == "r2"

    def test_the_last_good_one_serves_while_a_new_one_builds_or_fails(self):
        for newest in (building(name="r2", key="b"), built("r2", "b", FAILED)):
            assert self.serving(status(newest, built("r1", "a"), serving="r1"), "b") == "r1"

    def test_an_older_source_given_again_serves_again(self):
        before = status(built("r2", "b"), built("r1", "a"), serving="r2")
        assert self.serving(before, "a") == "r1"

    def test_what_served_last_goes_on_serving_and_not_the_newest(self):
        before = status(built("r3", "c", FAILED), built("r2", "b"), built("r1", "a"), serving="r1")
        assert self.serving(before, "c") == "r1"

    def test_the_newest_serves_when_what_served_is_unknown(self):
        before = status(built("r3", "c", FAILED), built("r2", "b"), built("r1", "a"))
        assert self.serving(before, "c") == "r2"

    def test_r10_is_newer_than_r9(self):
        assert self.serving(status(built("r9", "a"), built("r10", "a")), "a") == "r10"

    def test_a_pinned_one_serves(self):
        before = status(built("r2", "b"), built("r1", "a"), serving="r2")
        assert self.serving(before, "b", pinned="r1") == "r1"

    @pytest.mark.parametrize("pinned", ["r3", "r9"])
    def test_a_pin_of_what_was_not_built_leaves_what_served(self, pinned):
        before = status(built("r3", "c", FAILED), built("r2", "b"), built("r1", "a"), serving="r1")
        assert self.serving(before, "c", pinned=pinned) == "r1"

    def test_nothing_serves_for_a_pin_of_nothing(self):
        assert self.serving(status(built("r1", "a", FAILED)), "a", pinned="r1") is None


@pytest.mark.parametrize(
    ("pinned", "said"),
    [
        (None, None),
        ("r1", None),
        ("r9", "spec.revision names r9, which does not exist: those that were built are r1."),
        ("r2", "spec.revision names r2, which was not built (StepFailed): It broke."),
        ("r3", "spec.revision names r3, which is not built yet."),
    ],
)
def test_what_is_said_of_a_pin(pinned, said):
    before = status(
        building(name="r3", key="c"),
        built("r2", "b", FAILED, reason="StepFailed", message="It broke."),
        built("r1", "a"),
    )
    assert pin_problem(before, pinned) == said


def test_a_pin_where_nothing_was_built():
    said = pin_problem(status(), "r1")
    assert said == "spec.revision names r1, which does not exist: none has been built yet."


class TestTarget:
    def test_what_was_built_comes_before_a_later_failure(self):
        found = target_of(status(built("r2", "a", FAILED), built("r1", "a")), wanted("a"))
        assert found is not None
        assert found.name == "r1"

    def test_what_was_superseded_is_no_answer(self):
        assert target_of(status(built("r1", "a", GONE)), wanted("a")) is None


class TestPruned:
    def names(self, after):
        return [one.name for one in after.revisions]

    def test_few_revisions_are_not_pruned(self):
        before = status(*(built(f"r{n}", f"k{n}") for n in range(KEPT_REVISIONS, 0, -1)))
        assert pruned(before, ()) == before

    def test_the_oldest_go_first(self):
        before = status(*(built(f"r{n}", f"k{n}") for n in range(13, 0, -1)))
        assert self.names(pruned(before, ())) == [f"r{n}" for n in range(13, 3, -1)]

    def test_what_is_needed_stays(self):
        before = status(*(built(f"r{n}", f"k{n}") for n in range(13, 0, -1)))
        assert self.names(pruned(before, {"r1"})) == [*(f"r{n}" for n in range(13, 4, -1)), "r1"]

    def test_superseded_ones_go_before_older_ones(self):
        before = status(
            building(name="r13", key="new"),
            *(built(f"r{n}", f"k{n}", GONE if n in {10, 11, 12} else OK) for n in range(12, 0, -1)),
        )
        assert self.names(pruned(before, ())) == ["r13", *(f"r{n}" for n in range(9, 0, -1))]

    def test_what_is_being_built_stays(self):
        before = status(*(built(f"r{n}", f"k{n}") for n in range(12, 1, -1)), building(name="r1"))
        assert "r1" in self.names(pruned(before, ()))
