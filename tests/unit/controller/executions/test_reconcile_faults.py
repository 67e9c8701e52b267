"""Stale caches, conflicts and refusals: no program runs twice, no wish is lost, every refusal is said."""

import pytest

from serviceexecution.controller.job_actions import RECHECK_SECONDS
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_EXECUTIONS
from serviceexecution.resources.pods.observed import PodView
from tests.support.api_server.bodies import metadata_of
from tests.support.api_server.requests import Request, refusal
from tests.unit.controller.harness import SUCCESS, World, start, succeed
from tests.unit.controller.service_harness import apply, define
from tests.unit.executions.builders import ended, running

DEAD_WEBHOOK = (
    'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: Post '
    '"https://127.0.0.1:9/?timeout=1s": dial tcp 127.0.0.1:9: connect: connection refused'
)


class TestAStaleCache:
    async def test_a_stale_cache_never_makes_a_second_job(self, world: World):
        world.apply()
        await world.controller.watch()
        stale = world.start()
        await stale.watch()  # it knows the execution as new, and no Job
        await succeed_elsewhere(world)
        assert list(world.kubernetes.writes()) == SUCCESS
        assert await stale.reconcile() == RECHECK_SECONDS
        assert await stale.reconcile() is None
        assert list(world.kubernetes.writes()) == SUCCESS
        assert world.said() == ("Succeeded", "Succeeded")

    async def test_a_job_that_is_there_already_is_taken(self, world: World):
        world.apply()
        stale = world.start()
        await stale.watch()
        await world.start().run()
        job = world.kubernetes.one(JOBS)
        assert job is not None
        world.kubernetes.change(
            SERVICE_EXECUTIONS, "team", "sum", {"status": dict.fromkeys(_status(world), None)}
        )
        await world.start().run()
        assert world.execution.status.job is not None
        assert world.execution.status.job.uid == metadata_of(job)["uid"]

    async def test_with_a_stale_cache_another_execution_of_the_name_is_left_alone(self, world: World):
        world.apply()
        await world.controller.watch()
        world.kubernetes.remove(SERVICE_EXECUTIONS, "team", "sum")
        assert await world.controller.reconcile() is None
        assert world.kubernetes.writes() == []

    async def test_a_deleted_execution_is_nothing_to_do(self, world: World):
        assert await world.controller.reconcile() is None

    async def test_a_pod_that_no_watch_told_of_is_not_taken_for_one_that_never_came(self, world: World):
        world.apply()
        await world.controller.run()
        world.pod(running(), running())
        world.wait(100_000)
        assert await world.controller.reconcile() == RECHECK_SECONDS
        assert world.kubernetes.one(JOBS) is not None
        await world.controller.run()
        assert world.said() == ("Running", "Running")

    async def test_with_a_stale_cache_cancel_deletes_no_other_execution_s_job(self, world: World):
        world.apply()
        await world.controller.run()
        world.edit(cancel=True)
        body = world.kubernetes.one(SERVICE_EXECUTIONS)
        assert body is not None
        world.controller.cache.put_execution(body)
        world.pod(running(), running())
        assert await world.controller.reconcile() == RECHECK_SECONDS
        assert world.kubernetes.one(JOBS) is not None


def _status(world: World):
    body = world.kubernetes.one(SERVICE_EXECUTIONS)
    assert body is not None
    return body["status"]


async def succeed_elsewhere(world: World) -> None:
    """Run to success by another controller, as the one before the Lease was lost."""
    controller = world.start()
    world.kubernetes.remove(SERVICE_EXECUTIONS, "team", "sum")
    await succeed(world, controller.run)


class TestConflicts:
    async def test_a_pass_on_an_old_version_is_repeated(self, world: World):
        await start(world)
        world.edit(tags=["new"])  # not told by a watch yet
        world.pod(ended(3), running())
        await world.keep()
        body = world.kubernetes.one(PODS)
        world.controller.cache.runs.put_pod(PodView.model_validate(body))
        assert await world.controller.reconcile() == RECHECK_SECONDS
        assert world.said() == ("Running", "Running")
        await world.controller.reconcile()
        assert world.said() == ("Failed", "ProgramFailed")

    async def test_cancel_and_start_at_once_do_not_lose_the_wish(self, world: World):
        world.apply()
        await world.controller.watch()
        world.edit(cancel=True)
        assert await world.controller.reconcile() == RECHECK_SECONDS
        assert world.kubernetes.writes() == []
        await world.controller.run()
        assert world.said() == ("Cancelled", "Cancelled")
        assert world.kubernetes.writes() == ["patch serviceexecutions/status"]


class TestRefusals:
    @pytest.mark.parametrize("resource", ["configmaps", "jobs"])
    @pytest.mark.parametrize(
        ("status", "message", "said"),
        [
            (422, "Job.batch is invalid: spec.template: nonsense", ("Failed", "InvalidSpec")),
            (400, "strict decoding error: unknown field", ("Failed", "InvalidSpec")),
            (403, "forbidden by a policy", ("Failed", "PodRefused")),
            (403, "forbidden: exceeded quota: small", ("Pending", "QuotaExceeded")),
        ],
    )
    async def test_what_is_refused_is_said(self, world: World, resource, status, message, said):
        world.kubernetes.hook = _refuse(resource, status, message)
        world.apply()
        await world.controller.run()
        assert world.said() == said
        assert message in (world.execution.status.message or "")
        assert world.kubernetes.one(JOBS) is None

    async def test_a_quota_that_becomes_free_lets_the_job_start(self, world: World):
        world.kubernetes.hook = _refuse("jobs", 403, "exceeded quota: small, used: 1")
        world.apply()
        await world.controller.run()
        world.kubernetes.hook = _refuse("jobs", 403, "exceeded quota: small, used: 2")
        world.wait(5)
        await world.controller.run()
        assert world.kubernetes.writes().count("patch serviceexecutions/status") == 1
        world.kubernetes.hook = None
        world.wait(300)
        await world.controller.run()
        assert world.said() == ("Pending", "Starting")

    @pytest.mark.parametrize("status", [None, 401, 429, 500, 503])
    async def test_what_may_pass_is_tried_again(self, world: World, status):
        world.kubernetes.hook = _refuse("jobs", status, "later")
        world.apply()
        await world.controller.watch()
        with pytest.raises(KubernetesError):
            await world.controller.reconcile()
        assert world.said() == (None, None)
        world.kubernetes.hook = None
        await world.controller.run()
        assert world.said() == ("Pending", "Starting")

    @pytest.mark.parametrize("resource", ["configmaps", "jobs"])
    async def test_a_dead_admission_webhook_is_said_at_once_and_waited_for(self, world: World, resource):
        world.kubernetes.hook = _refuse(resource, 500, DEAD_WEBHOOK)
        world.apply(startTimeout="2m")
        await world.controller.run()
        assert world.said() == ("Pending", "WebhookFailed")
        assert (
            world.execution.status.message
            == f"An admission webhook of the cluster does not answer. {DEAD_WEBHOOK}"
        )
        world.wait(100)
        await world.controller.run()
        assert world.kubernetes.writes().count("patch serviceexecutions/status") == 1
        world.kubernetes.hook = None
        await world.controller.run()
        assert world.said() == ("Pending", "Starting")

    async def test_a_webhook_that_stays_dead_ends_the_run_after_its_start_timeout(self, world: World):
        world.kubernetes.hook = _refuse("jobs", 500, DEAD_WEBHOOK)
        world.apply(startTimeout="2m")
        await world.controller.run()
        world.wait(120)
        await world.controller.run()
        assert world.said() == ("Failed", "WebhookFailed")

    async def test_a_dead_admission_webhook_of_pods_is_said_and_waited_for(self, world: World):
        world.apply()
        await world.controller.run()
        job = world.kubernetes.one(JOBS)
        assert job is not None
        world.wait(70)
        world.warn(job, f"Error creating: {DEAD_WEBHOOK}")
        await world.controller.run()
        assert world.said() == ("Pending", "WebhookFailed")

    async def test_an_object_that_etcd_cannot_hold_ends_the_run(self, world: World):
        world.kubernetes.hook = _refuse("configmaps", 500, "etcdserver: request is too large")
        world.apply()
        await world.controller.run()
        assert world.said() == ("Failed", "InvalidInput")

    async def test_a_limit_range_against_the_collector_names_it_and_the_chart_s_value(self, world: World):
        world.apply()
        await world.controller.run()
        job = world.kubernetes.one(JOBS)
        assert job is not None
        world.wait(3)
        world.warn(job, 'pods "a" is forbidden: minimum cpu usage per Container is 50m, but request is 10m')
        await world.controller.run()
        assert world.said() == ("Pending", "PodRefused")
        assert (world.execution.status.message or "").endswith(
            'The container "collector": its request of cpu is 10m; '
            "the value collector.resources of the operator's chart changes it."
        )

    async def test_a_namespace_named_quota_has_no_full_quota(self, world: World):
        world.kubernetes.hook = _refuse("jobs", 403, 'forbidden in namespace "quota": a policy')
        world.apply()
        await world.controller.run()
        assert world.said() == ("Failed", "PodRefused")

    async def test_a_job_of_somebody_else_in_the_way(self, world: World):
        world.apply()
        world.kubernetes.put(JOBS, {"metadata": {"name": "sum-0a1b2c3d-1", "namespace": "team"}})
        await world.controller.run()
        assert world.said() == ("Failed", "InvalidSpec")
        assert "belongs to something else" in (world.execution.status.message or "")
        assert world.kubernetes.one(JOBS) is not None

    async def test_a_spec_that_cannot_be_read(self, world: World):
        world.apply(runtime={"docker": {"image": ""}})
        await world.controller.run()
        assert world.said_raw() == ("Failed", "InvalidSpec")
        writes = len(world.kubernetes.writes())
        await world.controller.run()
        assert len(world.kubernetes.writes()) == writes

    async def test_what_ended_under_an_operator_that_could_read_it_stands(self, world: World):
        world.apply(runtime={"docker": {"image": ""}})
        world.kubernetes.change(SERVICE_EXECUTIONS, "team", "sum", {"status": {"phase": "Succeeded"}})
        await world.controller.run()
        assert world.kubernetes.writes() == []


def _refuse(resource: str, status: int | None, message: str):
    def hook(request: Request, when: str) -> None:
        if (request.verb, request.resource, when) == ("create", resource, "before"):
            if status is None:
                raise KubernetesError(message)
            raise refusal(status, message)

    return hook


class TestAnExecutionThatIsAsLargeAsTheClusterCanHold:
    TOO_LARGE = refusal(500, "etcdserver: request is too large")

    async def test_it_ends_without_the_list_of_its_files(self, world: World):
        await start(world)
        await world.keep()
        world.pod(ended(), ended(until=16))
        world.kubernetes.fail("patch", "serviceexecutions", self.TOO_LARGE)
        await world.controller.run()
        assert world.said() == ("Succeeded", "Succeeded")
        result = world.execution.status.result
        assert result is not None
        assert (result.files, result.output, result.file_count) == ((), None, 1)
        assert result.message == (
            "Its files are not listed here: with them the execution is larger than the cluster can hold."
        )
        assert world.kubernetes.one(JOBS) is None

    async def test_one_that_cannot_say_what_it_takes_from_its_service_ends(self, world: World):
        define(world)
        apply(world)
        world.kubernetes.fail("patch", "serviceexecutions", self.TOO_LARGE)
        await world.controller.run()
        assert world.said() == ("Failed", "InvalidSpec")
        assert "larger than the cluster can hold" in (world.execution.status.message or "")
        assert world.kubernetes.one(JOBS) is None
