"""The builds of services, by the controller on the fake API server: from a spec to an image that serves."""

from typing import Any, cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.passes import RECHECK_SECONDS
from serviceexecution.controller.services.pod_security import NamespaceLevels
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import EVENTS, JOBS, PODS, SERVICE_DEFINITIONS
from serviceexecution.resources.definition_status import KEPT_REVISIONS
from serviceexecution.resources.reference import revision_reference
from serviceexecution.resources.views import PodView
from tests.support.api_server.requests import Crash, Request, refusal
from tests.unit.builds.builders import IMAGE_DIGEST
from tests.unit.controller.build_harness import BuildWorld, digest_of, key

PYTHON: Any = {"runtime": {"docker": None, "python": {}}}


class TestABuild:
    async def test_from_a_spec_to_an_image_that_serves(self, builds: BuildWorld):
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

    async def test_its_writes(self, builds: BuildWorld):
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

    async def test_it_is_told_in_events(self, builds: BuildWorld):
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

    async def test_revisions_are_pruned(self, builds: BuildWorld):
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
    async def test_it_never_makes_a_job_of_what_has_ended(self, builds: BuildWorld):
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
    async def test_it_comes_later(self, builds: BuildWorld):
        builds.define()
        assert await builds.settle() == 2
        assert builds.newest().reason == "SourceMissing"
        assert builds.condition("Ready")[:2] == ("False", "Building")
        builds.wait(90)
        assert await builds.settle() == 30
        await builds.upload("a")
        await builds.build()
        assert builds.phases() == {"r1": "Succeeded"}

    async def test_it_went_after_the_build_had_begun(self, builds: BuildWorld):
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
    async def test_of_five_in_a_second_the_last_one_wins_and_nothing_leaks(self, builds: BuildWorld):
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

    async def test_of_five_between_two_looks_the_others_are_never_begun(self, builds: BuildWorld):
        await builds.upload(*"abcde")
        builds.define(source="a")
        for letter in "bcde":
            builds.redefine(source=letter)
        await builds.build()
        assert builds.phases() == {"r1": "Succeeded"}
        assert builds.newest().source_digest == digest_of("e")

    async def test_there_and_back_again(self, builds: BuildWorld):
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
    async def test_rollback_and_forth(self, builds: BuildWorld):
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


class TestEnds:
    async def test_cancel(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        builds.start_pods()
        await builds.settle()
        builds.redefine(build={"cancel": "r1"})
        await builds.settle()
        assert (builds.newest().phase, builds.newest().reason) == ("Building", "Cancelled")
        assert builds.job_names() == ["adder.r1-1"], "its log is not kept yet"
        builds.obey_deadlines()
        await builds.keep_logs()
        await builds.settle()
        assert builds.newest().phase == "Cancelled"
        assert builds.jobs() == []
        assert builds.newest().log is not None
        builds.redefine(build={"cancel": "r1", "token": "again"})
        await builds.build()
        assert builds.phases() == {"r2": "Succeeded", "r1": "Cancelled"}

    async def test_timeout(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define(build={"timeout": "1m"})
        await builds.settle()
        builds.start_pods()
        wake = await builds.settle()
        assert wake == 60
        builds.wait(61)
        await builds.settle()
        assert (builds.newest().phase, builds.newest().reason) == ("Building", "Timeout")
        builds.obey_deadlines()
        await builds.keep_logs()
        await builds.settle()
        assert (builds.newest().phase, builds.newest().reason) == ("Failed", "Timeout")
        assert builds.jobs() == []
        builds.redefine(build={"timeout": "1h"})
        await builds.build()
        assert builds.phases() == {"r2": "Succeeded", "r1": "Failed"}

    async def test_faults_of_the_platform_are_tried_three_times(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        for pause in (10, 60):
            await builds.settle()
            builds.start_pods()
            await builds.finish("RegistryUnavailable", message="The registry is away.")
            assert await builds.settle() == pause
            assert builds.jobs() == []
            assert builds.newest().phase == "Pending"
            builds.wait(pause)
        await builds.settle()
        builds.start_pods()
        await builds.finish("RegistryUnavailable")
        await builds.settle()
        assert (builds.newest().phase, builds.newest().attempts) == ("Failed", 3)
        assert [name[-1] for name in builds.created_jobs()] == ["1", "2", "3"]

    async def test_the_second_attempt_succeeds(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        builds.start_pods()
        await builds.settle()
        (pod,) = builds.pods()
        builds.kubernetes.remove(JOBS, "team", pod["metadata"]["ownerReferences"][0]["name"])
        assert await builds.settle() == 10
        assert builds.newest().reason == "PodLost"
        builds.wait(10)
        await builds.build()
        assert (builds.newest().phase, builds.newest().attempts) == ("Succeeded", 2)

    async def test_a_pod_that_is_gone_unseen(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        builds.start_pods()
        await builds.settle()
        (pod,) = builds.pods()
        await builds.report(pod)
        builds.kubernetes.remove(PODS, "team", pod["metadata"]["name"])
        await builds.settle()
        assert builds.newest().phase == "Succeeded", "the report came"

    async def test_a_pod_that_no_watch_told_of(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        builds.start_pods()
        await builds.settle()
        (pod,) = builds.pods()
        builds.controller.cache.builds.drop_pod(PodView.model_validate(pod))
        await builds.controller.reconcile_service(key())
        assert builds.newest().phase == "Building"


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "message", "reason", "phase"),
        [
            (403, "exceeded quota: count/jobs.batch", "QuotaExceeded", "Building"),
            (403, "admission webhook denied the request", "PodRefused", "Building"),
            (422, "Job.batch is invalid", "PodRefused", "Failed"),
        ],
    )
    async def test_the_api_server_refuses_the_job(self, builds: BuildWorld, status, message, reason, phase):
        builds.kubernetes.hook = refusing(status, message)
        await builds.upload("a")
        builds.define()
        await builds.settle()
        assert (builds.newest().reason, builds.newest().phase) == (reason, phase)
        assert message in (builds.newest().message or "")
        if phase == "Building":
            builds.kubernetes.hook = None
            await builds.build()
            assert (builds.newest().phase, builds.newest().attempts) == ("Succeeded", 1)

    async def test_a_job_of_that_name_that_is_somebody_elses(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        builds.kubernetes.put(
            JOBS, {"metadata": {"name": "build-adder-uid-adde-r1-1", "namespace": "team", "labels": {}}}
        )
        await builds.settle()
        assert (builds.newest().phase, builds.newest().reason) == ("Failed", "PodRefused")
        assert "delete it" in (builds.newest().message or "")

    async def test_what_a_warning_says(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        (job,) = builds.jobs()
        builds.wait(5)
        builds.warn(job, 'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest"')
        await builds.settle()
        assert builds.newest().reason == "PodRefused"
        builds.wait(60)
        await builds.settle()
        assert (builds.newest().phase, builds.jobs()) == ("Failed", [])

    async def test_a_secret_that_is_missing(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        builds.start_pods()
        (pod,) = builds.pods()
        waits: JsonObject = {"name": "main", "state": {"waiting": {"reason": "ContainerCreating"}}}
        builds.kubernetes.change(
            PODS,
            "team",
            pod["metadata"]["name"],
            {"status": {"phase": "Pending", "containerStatuses": [waits]}},
        )
        builds.wait(5)
        builds.warn(pod, 'MountVolume.SetUp failed for volume "git" : secret "login" not found')
        await builds.settle()
        assert (builds.newest().phase, builds.newest().reason) == ("Building", "SecretNotFound")


class TestConcurrency:
    async def test_ten_services_two_at_a_time(self, builds_two: BuildWorld):
        builds = builds_two
        await builds.upload("a")
        for number in range(10):
            builds.define(f"s{number}")
            builds.wait(1)
        most = 0
        for _ in range(12):
            await builds.settle()
            most = max(most, len(builds.jobs()))
            builds.start_pods()
            await builds.settle()
            await builds.finish()
            if _ == 4:
                builds.start()  # a restart counts from what is said
        assert most == 2
        assert {builds.newest(f"s{number}").phase.value for number in range(10)} == {"Succeeded"}
        order = [name.split("-")[1] for name in builds.created_jobs()]
        assert order == [f"s{number}" for number in range(10)]

    async def test_what_lacks_its_source_holds_nobody_up(self, builds_two: BuildWorld):
        builds = builds_two
        await builds.upload("a")
        for number in range(3):
            builds.define(f"missing{number}", source="b")
        builds.define("here")
        await builds.settle()
        assert builds.newest("here").phase == "Building"

    async def test_a_deleted_service_makes_room(self, builds_two: BuildWorld):
        builds = builds_two
        await builds.upload("a")
        for name in ("first", "second", "third"):
            builds.define(name)
            builds.wait(1)
        await builds.settle()
        assert builds.newest("third").reason == "Queued"
        builds.kubernetes.remove(SERVICE_DEFINITIONS, "team", "first")
        await builds.settle()
        assert builds.newest("third").phase == "Building"

    async def test_one_at_a_time_has_the_cache(self, builds_two: BuildWorld):
        builds = builds_two
        await builds.upload("a")
        cache = {"persistentVolumeClaim": {"claimName": "downloads"}}
        for name in ("one", "two"):
            builds.define(name, build={"cache": cache})
        await builds.settle()
        with_cache = [
            job["metadata"]["name"]
            for job in builds.jobs()
            if any(volume["name"] == "cache" for volume in job["spec"]["template"]["spec"]["volumes"])
        ]
        assert len(builds.jobs()) == 2
        assert len(with_cache) == 1


class TestNamespaces:
    async def test_restricted_is_built_by_buildah(self, builds_profile: BuildWorld):
        builds = builds_profile
        enforce(builds, "restricted")
        await builds.upload("a")
        builds.define()
        await builds.settle()
        (job,) = builds.jobs()
        (main,) = job["spec"]["template"]["spec"]["containers"]
        assert main["securityContext"]["allowPrivilegeEscalation"] is False
        assert builds.newest().builder == "buildah"

    async def test_restricted_without_a_profile_says_what_to_do(self, builds: BuildWorld):
        enforce(builds, "restricted")
        await builds.upload("a")
        builds.define()
        await builds.settle()
        assert builds.newest().reason == "NoBuilder"
        assert "builds.seccompProfile" in builds.condition("Ready")[2]

    async def test_they_are_asked_once_a_minute(self, builds: BuildWorld):
        clock = [0.0]
        levels = NamespaceLevels(cast("KubernetesClient", builds.kubernetes), lambda: clock[0])
        enforce(builds, "baseline")
        assert await levels.enforced("team") == "baseline"
        enforce(builds, "restricted")
        assert await levels.enforced("team") == "baseline"
        clock[0] = 61
        assert await levels.enforced("team") == "restricted"
        assert await levels.enforced("nowhere") == ""

    async def test_what_they_said_holds_while_they_may_not_be_asked(self, builds: BuildWorld):
        clock = [0.0]
        levels = NamespaceLevels(cast("KubernetesClient", builds.kubernetes), lambda: clock[0])
        enforce(builds, "restricted")
        assert await levels.enforced("team") == "restricted"

        def refuse(request: Request, when: str) -> None:
            raise refusal(403, "namespaces is forbidden")

        builds.kubernetes.hook = refuse
        clock[0] = 61
        assert await levels.enforced("team") == "restricted"

    async def test_without_the_right_to_ask(self, builds: BuildWorld):
        def refuse(request: Request, when: str) -> None:
            if request.resource == "namespaces":
                raise refusal(403, "namespaces is forbidden")

        builds.kubernetes.hook = refuse
        await builds.upload("a")
        builds.define()
        await builds.build()
        assert builds.newest().builder == "buildkit"


class TestExecutions:
    async def test_they_take_what_serves_by_digest(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define(timeout="1h")
        await builds.build(commit="c" * 40)
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        taken = builds.execution.status.service
        assert taken is not None
        assert (taken.revision, taken.image_digest, taken.source_digest) == (
            "r1",
            IMAGE_DIGEST,
            digest_of("a"),
        )
        assert taken.commit == "c" * 40
        image = f"localhost:30500/team/adder@{IMAGE_DIGEST}"
        assert taken.fields["runtime"] == {"docker": {"image": image, "imagePullPolicy": "IfNotPresent"}}
        assert "securityContext" not in taken.fields
        main = main_container(builds)
        assert (main["image"], main["imagePullPolicy"]) == (image, "IfNotPresent")

    async def test_of_python_have_a_read_only_root(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define(**PYTHON, env=[{"name": "LOG_LEVEL", "value": "DEBUG"}])
        await builds.build()
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        main = main_container(builds)
        assert main["securityContext"]["readOnlyRootFilesystem"] is True
        assert {"name": "LOG_LEVEL", "value": "DEBUG"} in main["env"]

    async def test_unless_the_service_says_otherwise(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define(**PYTHON, securityContext={"readOnlyRootFilesystem": False, "runAsUser": 1234})
        await builds.build()
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        assert main_container(builds)["securityContext"]["readOnlyRootFilesystem"] is False

    async def test_command_and_registry_login_are_passed_on(self, builds_login: BuildWorld):
        builds = builds_login
        await builds.upload("a")
        builds.define(
            runtime={"docker": {"build": {}, "args": ["--fast"], "imagePullPolicy": "Always"}},
            imagePullSecrets=[{"name": "own"}],
        )
        await builds.build()
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        (job,) = builds.run_jobs()
        pod = job["spec"]["template"]["spec"]
        assert pod["imagePullSecrets"] == [{"name": "own"}, {"name": "login"}]
        assert pod["containers"][0]["args"] == ["--fast"]
        assert pod["containers"][0]["imagePullPolicy"] == "Always"

    async def test_they_wait_for_the_first_image(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        assert builds.said() == ("Pending", "ServiceNotReady")
        assert "The first image is being built. r1: " in (builds.execution.status.message or "")
        builds.wait(300)  # longer than for what may never come
        await builds.controller.run()
        assert builds.said() == ("Pending", "ServiceNotReady")
        builds.start_pods()
        await builds.finish()
        await builds.settle()
        await builds.controller.run()
        assert builds.said() == ("Pending", "Starting")

    async def test_they_fail_with_the_build_s_sentence(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.build("StepFailed", message="RUN make ended with 2.")
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        builds.wait(61)
        await builds.controller.run()
        assert builds.said() == ("Failed", "ServiceNotReady")
        assert "RUN make ended with 2." in (builds.execution.status.message or "")

    async def test_inputs_are_checked_against_the_signature(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        schema = {"type": "object", "required": ["other"]}
        await builds.build(input_schema=schema, output_schema={"type": "array"})
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        assert builds.said() == ("Failed", "InvalidInput")

    async def test_results_are_not_held_against_a_return_annotation(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.build(output_schema={"type": "object"})
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        assert builds.execution.status.service is not None
        assert builds.execution.status.service.output_schema is None

    async def test_unless_the_service_has_a_schema_of_its_own(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define(inputSchema={"type": "object"}, outputSchema={"type": "number"})
        await builds.build(input_schema={"required": ["other"]}, output_schema={"type": "array"})
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        assert builds.said() == ("Pending", "Starting")
        assert builds.execution.status.service is not None
        assert builds.execution.status.service.output_schema == {"type": "number"}

    async def test_what_was_taken_stays_when_another_revision_serves(self, builds: BuildWorld):
        await builds.upload("a", "b")
        builds.define()
        await builds.build()
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        builds.redefine(source="b")
        await builds.build(image_digest=f"sha256:{'2' * 64}")
        await builds.controller.run()
        assert builds.execution.status.service is not None
        assert builds.execution.status.service.revision == "r1"
        assert main_container(builds)["image"].endswith(IMAGE_DIGEST)


def main_container(builds: BuildWorld) -> Any:
    (job,) = builds.run_jobs()
    return job["spec"]["template"]["spec"]["containers"][0]


def pod_uid(builds: BuildWorld) -> Any:
    (pod,) = builds.pods()
    return pod["metadata"]["uid"]


def enforce(builds: BuildWorld, level: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": level}
    body: Any = {"metadata": {"name": "team", "labels": labels}}
    builds.kubernetes.objects["namespaces", None, "team"] = body


def refusing(status: int, message: str):
    def hook(request: Request, when: str) -> None:
        if when == "before" and (request.verb, request.resource) == ("create", "jobs"):
            raise refusal(status, message)

    return hook
