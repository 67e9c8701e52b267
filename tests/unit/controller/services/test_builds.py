"""The builds of services, by the controller on the API server in memory: from a spec to an image that serves."""

from typing import Any

import pytest

from serviceexecution.controller.job_actions import RECHECK_SECONDS
from serviceexecution.kube.kinds import EVENTS, SERVICE_DEFINITIONS
from serviceexecution.resources.reference import revision_reference
from serviceexecution.resources.services.definition_status import KEPT_REVISIONS
from tests.support.api_server.requests import Crash, Request
from tests.unit.builds.builders import IMAGE_DIGEST
from tests.unit.controller.build_harness import BuildWorld, digest_of, key


class TestABuild:
    async def test_a_build_leads_from_a_spec_to_an_image_that_serves(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        assert builds.job_names() == ["adder.r1-1"]
        assert builds.condition("Ready")[:2] == ("False", "Building")
        builds.wait(1)
        builds.start_pods()
        await builds.settle()
        assert builds.newest().reason == "Building"
        followed = builds.controller.followers.followed
        assert followed == {revision_reference("team", "adder", "uid-adder", "r1"): (pod_uid(builds), False)}
        builds.wait(30)
        await builds.finish()
        await builds.settle()
        one = builds.newest()
        assert (one.phase, one.attempts, one.builder) == ("Succeeded", 1, "buildkit")
        assert one.image == f"localhost:30500/team/adder@{IMAGE_DIGEST}"
        assert (one.source_digest, one.completion_time) == (digest_of("a"), builds.clock.now())
        assert builds.status().image == one.image
        assert builds.condition("Ready")[0] == builds.condition("Built")[0] == "True"
        assert builds.jobs() == []

    async def test_the_writes_of_a_build(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.build()
        status = "patch servicedefinitions/status"
        assert builds.kubernetes.writes() == [
            status,  # said, so that the place is taken
            "create jobs",
            status,  # the Job
            status,  # runs
            status,  # its end
            "delete jobs",
        ]

    async def test_nothing_is_written_when_nothing_changes(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.build()
        before = len(builds.kubernetes.writes())
        builds.wait(1000)
        await builds.settle()
        builds.start()
        await builds.settle()
        assert len(builds.kubernetes.writes()) == before

    async def test_a_build_is_told_in_events(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.build("StepFailed", message="RUN make ended with 2.")
        told = [
            (body["type"], body["reason"], body["message"])
            for (plural, _, _), body in builds.kubernetes.objects.items()
            if plural == EVENTS.plural
        ]
        assert ("Normal", "Starting", "r1: The pod of the build is being started.") in told
        assert ("Warning", "StepFailed", "r1: RUN make ended with 2.") in told

    async def test_the_same_source_is_not_built_again(self, builds: BuildWorld):
        await builds.upload("a", "b")
        builds.define()
        await builds.build()
        builds.redefine(source="b")
        await builds.build()
        assert builds.status().revision == "r2"
        builds.redefine(source="a")
        await builds.settle()
        assert builds.status().revision == "r1"
        assert len(builds.created_jobs()) == 2

    async def test_a_token_builds_again(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.build()
        builds.redefine(build={"token": "base image has changed"})
        await builds.build()
        assert builds.phases() == {"r2": "Succeeded", "r1": "Succeeded"}
        assert builds.status().revision == "r2"

    async def test_the_last_good_one_serves_while_a_new_one_builds_and_fails(self, builds: BuildWorld):
        await builds.upload("a", "b")
        builds.define()
        await builds.build()
        builds.redefine(source="b")
        await builds.settle()
        assert (builds.newest().phase, builds.status().revision) == ("Building", "r1")
        builds.start_pods()
        await builds.build("StepFailed", message="It broke.", step="RUN make")
        assert (builds.newest().step, builds.status().revision) == ("RUN make", "r1")
        assert builds.condition("Ready")[0] == "True"
        assert builds.condition("Built") == ("False", "StepFailed", "r2: It broke.")

    async def test_old_revisions_are_pruned_but_not_what_serves(self, builds: BuildWorld):
        letters = "abcdefghijklmn"
        await builds.upload(*letters)
        builds.define()
        for letter in letters:
            builds.redefine(source=letter, revision=None if letter == "a" else "r1")
            await builds.build()
        assert len(builds.status().revisions) == KEPT_REVISIONS
        assert builds.status().revision == "r1"
        assert builds.status().revisions[-1].name == "r1"

    async def test_schemas_of_a_signature_that_cannot_be_used_are_left_out(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.build(input_schema={"type": "nonsense"}, output_schema={"type": "object"})
        assert (builds.newest().input_schema, builds.newest().output_schema) == (None, {"type": "object"})

    async def test_a_service_that_is_deleted(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        builds.start_pods()
        await builds.settle()
        builds.kubernetes.remove(SERVICE_DEFINITIONS, "team", "adder")
        await builds.settle()
        assert builds.jobs() == builds.pods() == []
        assert builds.controller.followers.forgotten == [
            revision_reference("team", "adder", "uid-adder", "r1")
        ]


class TestAStaleCache:
    async def test_a_stale_cache_makes_no_job_of_what_has_ended(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()

        def die(request: Request, when: str) -> None:
            if (request.verb, request.resource) == ("create", "jobs"):
                raise Crash

        builds.kubernetes.hook = die
        with pytest.raises(Crash):
            await builds.settle()
        builds.kubernetes.hook = None
        stale = builds.start()
        await stale.watch()  # it knows that a build is to begin, and no Job
        builds.start()
        await builds.build()
        writes = len(builds.kubernetes.writes())
        assert await stale.reconcile_service(key()) == RECHECK_SECONDS
        assert await stale.reconcile_service(key()) is None
        assert len(builds.kubernetes.writes()) == writes

    async def test_a_change_that_it_does_not_know_of_is_not_lost(self, builds: BuildWorld):
        await builds.upload("a", "b")
        builds.define()
        await builds.controller.watch()
        builds.redefine(source="b")
        assert await builds.controller.reconcile_service(key()) == RECHECK_SECONDS
        assert builds.status().revisions == (), "the write was refused"
        assert builds.created_jobs() == []
        await builds.build()
        assert builds.phases() == {"r1": "Succeeded"}
        assert builds.newest().source_digest == digest_of("b")


class TestTheSource:
    async def test_a_source_that_comes_later_is_built(self, builds: BuildWorld):
        builds.define()
        assert await builds.settle() == 2
        assert builds.newest().reason == "SourceMissing"
        assert builds.condition("Ready")[:2] == ("False", "Building")
        builds.wait(90)
        assert await builds.settle() == 30
        await builds.upload("a")
        await builds.build()
        assert builds.phases() == {"r1": "Succeeded"}

    async def test_a_source_that_goes_after_the_build_has_begun(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        builds.start_pods()
        await builds.finish("SourceMissing")
        await builds.store.sources.delete_source("team", digest_of("a").removeprefix("sha256:"))
        await builds.settle()
        assert builds.newest().reason == "SourceMissing"
        builds.wait(11)
        await builds.settle()
        assert (builds.newest().phase, builds.newest().attempts) == ("Pending", 1)
        await builds.upload("a")
        await builds.build()
        assert (builds.newest().phase, builds.newest().attempts) == ("Succeeded", 2)

    async def test_a_repository_needs_no_archive(self, builds: BuildWorld):
        builds.define(source="a")
        builds.redefine(source=None)
        builds.kubernetes.change(
            SERVICE_DEFINITIONS,
            "team",
            "adder",
            {"spec": {"source": {"archive": None, "git": {"url": "https://example.org/x.git"}}}},
        )
        await builds.build(commit="c" * 40)
        assert (builds.newest().phase, builds.newest().commit) == ("Succeeded", "c" * 40)


class TestChanges:
    async def test_of_five_changes_in_a_second_the_last_one_wins_and_nothing_leaks(self, builds: BuildWorld):
        await builds.upload(*"abcde")
        builds.define(source="a")
        for letter in "abcde":
            builds.redefine(source=letter)
            builds.wait(0.2)
            await builds.settle()
            builds.start_pods()
        await builds.settle()
        assert builds.phases() == {
            "r5": "Building",
            **{f"r{n}": "Superseded" for n in range(4, 0, -1)},
        }
        builds.obey_deadlines()
        await builds.keep_logs()
        await builds.settle()
        assert builds.job_names() == ["adder.r5-1"]
        await builds.build()
        assert builds.status().revision == "r5"
        assert builds.newest().source_digest == digest_of("e")
        assert builds.jobs() == builds.pods() == []
        assert sorted(builds.created_jobs()) == [f"build-adder-uid-adde-r{n}-1" for n in range(1, 6)]

    async def test_of_five_changes_between_two_looks_only_the_last_is_built(self, builds: BuildWorld):
        await builds.upload(*"abcde")
        builds.define(source="a")
        for letter in "bcde":
            builds.redefine(source=letter)
        await builds.build()
        assert builds.phases() == {"r1": "Succeeded"}
        assert builds.newest().source_digest == digest_of("e")

    async def test_a_change_and_its_undoing_build_nothing_twice(self, builds: BuildWorld):
        await builds.upload("a", "b")
        builds.define(source="a")
        await builds.settle()
        builds.redefine(source="b")
        await builds.settle()
        builds.redefine(source="a")
        await builds.build()
        assert builds.phases() == {"r3": "Succeeded", "r2": "Superseded", "r1": "Superseded"}
        assert builds.jobs() == []

    async def test_a_build_that_becomes_an_image(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        builds.redefine(runtime={"docker": {"build": None, "image": "sum:1"}})
        builds.kubernetes.change(SERVICE_DEFINITIONS, "team", "adder", {"spec": {"source": None}})
        await builds.settle()
        assert builds.phases() == {"r1": "Superseded"}
        assert builds.status().image == "sum:1"
        assert builds.jobs() == []


class TestRevisions:
    async def test_a_pin_serves_an_older_revision_until_it_goes(self, builds: BuildWorld):
        await builds.upload("a", "b")
        builds.define()
        await builds.build()
        builds.redefine(source="b")
        await builds.build()
        builds.redefine(revision="r1")
        await builds.settle()
        assert builds.status().revision == "r1"
        assert builds.condition("Ready")[0] == "True"
        builds.redefine(revision=None)
        await builds.settle()
        assert builds.status().revision == "r2"
        assert len(builds.created_jobs()) == 2

    async def test_a_pinned_one_serves_while_another_is_built(self, builds: BuildWorld):
        await builds.upload("a", "b")
        builds.define(revision="r1")
        await builds.build()
        builds.redefine(source="b")
        await builds.build()
        assert builds.phases() == {"r2": "Succeeded", "r1": "Succeeded"}
        assert builds.status().revision == "r1"

    async def test_a_pin_of_nothing(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.build()
        builds.redefine(revision="r9")
        await builds.settle()
        assert builds.condition("Ready")[:2] == ("False", "RevisionUnusable")
        assert builds.status().revision == "r1"


def pod_uid(builds: BuildWorld) -> Any:
    (pod,) = builds.pods()
    return pod["metadata"]["uid"]
