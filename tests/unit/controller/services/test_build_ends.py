"""Builds that end otherwise than well: cancelled, too late, lost, refused."""

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import JOBS, PODS
from serviceexecution.resources.pods.observed import JobView, PodView
from tests.support.api_server.requests import Request, refusal
from tests.unit.controller.build_harness import BuildWorld, key


class TestEnds:
    async def test_a_cancelled_build_ends_and_keeps_its_log(self, builds: BuildWorld):
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

    async def test_a_build_is_stopped_at_its_timeout(self, builds: BuildWorld):
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

    async def test_a_pod_whose_start_and_end_no_watch_told_of(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        builds.start_pods()
        (pod,) = builds.pods()
        await builds.report(pod)
        builds.end_pod(pod)
        (job,) = builds.jobs()
        complete: JsonObject = {"conditions": [{"type": "Complete", "status": "True"}]}
        builds.kubernetes.change(JOBS, "team", job["metadata"]["name"], {"status": complete})
        waiting = pod | {"status": {"phase": "Pending"}}
        builds.controller.cache.builds.put_pod(PodView.model_validate(waiting))
        builds.controller.cache.builds.put_job(JobView.model_validate(builds.jobs()[0]))
        await builds.controller.reconcile_service(key())
        assert builds.newest().phase == "Building"
        assert builds.newest().program_end_time is not None, (
            "its end is known, and that of its log waited for"
        )
        await builds.keep_logs()
        await builds.settle()
        assert (builds.newest().phase, builds.newest().log is not None) == ("Succeeded", True)


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "message", "reason", "phase"),
        [
            (403, "exceeded quota: count/jobs.batch", "QuotaExceeded", "Building"),
            (403, "admission webhook denied the request", "PodRefused", "Building"),
            (422, "Job.batch is invalid", "PodRefused", "Failed"),
            (500, 'failed calling webhook "a.example.com": connection refused', "WebhookFailed", "Building"),
            (403, 'forbidden in namespace "quota": a policy', "PodRefused", "Building"),
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


def refusing(status: int, message: str):
    def hook(request: Request, when: str) -> None:
        if when == "before" and (request.verb, request.resource) == ("create", "jobs"):
            raise refusal(status, message)

    return hook
