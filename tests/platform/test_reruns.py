"""``qhub-api`` 3.3.0, unmodified: jobs and other executions, run again."""

import json

from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.kinds import CONFIG_MAPS
from tests.platform.platform_client import UNKNOWN, Platform, refused
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE

PACKAGE = "qhub-service"


def test_a_stored_job_runs_again_as_it_was(platform):
    jobs = platform.client.service_jobs
    first = jobs.create_service_job(
        service_id=platform.service_id, input={"a": 1.0}, tags=["t"], store_input=True
    )
    again = jobs.rerun_service_job(first.id)
    assert again.id != first.id
    assert (again.tags, platform.inputs(again.id)) == (["t"], platform.inputs(first.id))
    assert jobs.rerun_service_job(again.id).input == '{"a":1.0}'


def test_a_job_runs_again_with_changed_members(platform):
    jobs = platform.client.service_jobs
    first = jobs.create_service_job(
        service_id=platform.service_id, input={"a": 1, "b": 2}, tags=["t"], store_input=True
    )
    changed = {"additional_body_parameters": {"input": {"b": 3.0}, "tags": ["u"]}}
    again = jobs.rerun_service_job(first.id, request_options=changed)
    assert (json.loads(again.input), again.tags) == ({"a": 1, "b": 3.0}, ["u"])


def test_any_execution_whose_input_is_kept_runs_again_as_a_job(platform):
    name = platform.submit(rb'{"a": 1.0, "\u00fc \u00e9": 2, "$tags": ["Tag"]}')
    job = platform.client.service_jobs.rerun_service_job(name)
    assert (json.loads(job.input), job.tags) == ({"a": 1.0, "ü é": 2}, ["tag"])


def test_a_job_whose_input_was_not_to_be_stored_does_not_run_again(platform):
    job = platform.client.service_jobs.create_service_job(service_id=platform.service_id, input={"a": 1})
    refused("BadRequestError", platform.client.service_jobs.rerun_service_job, job.id, code="InputNotStored")


def test_secrets_are_asked_for_again(platform):
    jobs = platform.client.service_jobs
    given = {"a": 1, "$secrets": {"one": "x", "two": "y"}}
    first = jobs.create_service_job(service_id=platform.service_id, input=given, store_input=True)
    body = refused("BadRequestError", jobs.rerun_service_job, first.id, code="SecretsNeeded")
    assert body["secrets"] == ["one", "two"]
    again = {"additional_body_parameters": {"input": {"$secrets": {"one": "x2", "two": "y2"}}}}
    job = jobs.rerun_service_job(first.id, request_options=again)
    assert sorted(platform.service.executions()[job.id]["spec"]["secrets"]) == ["one", "two"]


def test_what_the_gateway_has_not_made_is_not_run_again(platform):
    platform.execution("by-hand", spec={"env": [{"name": "A", "value": "b"}], "input": {"a": 1}})
    shown = platform.client.service_executions.get_service_executions().content[0]
    refused(
        "BadRequestError", platform.client.service_jobs.rerun_service_job, shown.id, code="InputNotStored"
    )


def test_the_input_of_somebody_elses_config_map_is_not_read(platform):
    name = "11111111-2222-4333-8444-555555555555"

    async def foreign():
        platform.service.cluster.seed(CONFIG_MAPS, NAMESPACE, name, data={"a": '"foreign"'})

    platform.gateway.run(foreign())
    platform.execution(name, spec={"inputFrom": {"configMapRef": {"name": name}}})
    refused("BadRequestError", platform.client.service_jobs.rerun_service_job, name, code="InputNotStored")


def test_a_repeated_rerun_with_a_key_is_one(platform):
    jobs = platform.client.service_jobs
    first = jobs.create_service_job(service_id=platform.service_id, input={"a": 1}, store_input=True)
    options = {"additional_headers": {"Idempotency-Key": "key-1"}}
    again = jobs.rerun_service_job(first.id, request_options=options)
    assert jobs.rerun_service_job(first.id, request_options=options).id == again.id
    assert jobs.rerun_service_job(again.id, request_options=options).id not in {first.id, again.id}


def test_without_the_right_to_run_nothing_runs_again(sdk, gateway, platform):
    job = platform.client.service_jobs.create_service_job(service_id=platform.service_id, store_input=True)
    cluster = platform.service.cluster
    cluster.tokens["bob-token", None] = TokenIdentity("bob")
    cluster.allowed = lambda question: question["subresource"] != "run"
    bob = Platform(sdk, gateway, token="bob-token").client  # noqa: S106 - of nobody
    refused("ForbiddenError", bob.service_jobs.rerun_service_job, job.id)


def test_an_unknown_execution_is_a_typed_404(platform):
    refused("NotFoundError", platform.client.service_jobs.rerun_service_job, UNKNOWN)


def test_the_service_api_runs_again_as_well(platform):
    name = platform.submit(b'{"a": 1.0, "b": 2, "$tags": ["Tag"]}')
    place = f"/services/{NAMESPACE}/{SERVICE}/{name}/rerun"
    again = platform.post(place)
    assert (again.status_code, again.json()["tags"]) == (201, ["tag"])
    assert again.headers["location"].endswith(again.json()["id"])
    assert platform.inputs(again.json()["id"]) == platform.inputs(name)
    changed = platform.post(place, {"input": {"b": 3}, "tags": ["u"]}).json()
    assert (set(platform.inputs(changed["id"]).values()), changed["tags"]) == ({"1.0", "3"}, ["u"])
    keyed = [platform.post(place, headers={"Idempotency-Key": "k"}).json()["id"] for _ in range(2)]
    assert len(set(keyed)) == 1
    assert platform.post(f"/services/{NAMESPACE}/{SERVICE}/{UNKNOWN}/rerun").status_code == 404


def test_the_service_api_asks_for_secrets_again(platform):
    name = platform.submit(b'{"a": 1, "$secrets": {"one": "x"}}')
    place = f"/services/{NAMESPACE}/{SERVICE}/{name}/rerun"
    refusal = platform.post(place)
    assert (refusal.status_code, refusal.json()["secrets"]) == (400, ["one"])
    assert platform.post(place, {"input": {"$secrets": {"one": "y"}}}).status_code == 201


def test_an_input_whose_time_is_over_is_not_used_again(sync):
    runtime = {"docker": {"image": "a/b:1"}}
    for name, retention, status in (("brief", "0s", 400), ("longer", "1000h", 201)):
        sync.define(name, inputRetention=retention, runtime=runtime)
        made = sync.post(f"/services/{NAMESPACE}/{name}", {"a": 1}).json()["id"]
        label = sync.service.cluster.objects["configmaps", NAMESPACE, made]["metadata"]["labels"]
        assert label["serviceexecution.dev/input-retention"] == {"brief": "0", "longer": "3600000"}[name]
        assert sync.post(f"/services/{NAMESPACE}/{name}/{made}/rerun").status_code == 201, "it has not ended"
        sync.gateway.run(_ended(sync, made))
        again = sync.post(f"/services/{NAMESPACE}/{name}/{made}/rerun")
        assert again.status_code == status, again.text


async def _ended(platform, name):
    body = platform.service.cluster.objects["serviceexecutions", NAMESPACE, name]
    body["status"] = {"phase": "Succeeded", "reason": "Succeeded", "completionTime": "2026-11-01T12:00:00Z"}
    body["metadata"]["resourceVersion"] = str(int(body["metadata"]["resourceVersion"]) + 1)
    platform.service.state.note(body)
