"""``qhub-api`` 3.3.0, unmodified: jobs made, looked at and listed."""

import json

import pytest

from tests.platform.platform_client import UNKNOWN, refused
from tests.unit.gateway.service_api.service_cluster import SERVICE

PACKAGE = "qhub-service"


def test_a_job_with_nothing_but_its_service(platform):
    job = platform.client.service_jobs.create_service_job(service_id=platform.service_id)
    assert (job.status, job.service_id, job.input, job.tags) == (
        "PENDING",
        platform.service_id,
        None,
        [],
    )
    spec = platform.service.executions()[job.id]["spec"]
    assert spec == {"serviceRef": {"name": SERVICE}}


def test_the_input_of_a_job_is_kept_as_it_came(platform):
    given: dict[str, object] = {"a": 1.0, "b": None, "c": 12345678901234567890, "d": {"ü": [1e300]}}
    given |= {"pool": {"id": "p", "ref": "DATAPOOL"}}
    job = platform.client.service_jobs.create_service_job(
        service_id=platform.service_id, input=given, tags=["One", "TWO"], store_input=True
    )
    assert platform.inputs(job.id)["a"] == "1.0"
    assert platform.inputs(job.id)["c"] == "12345678901234567890"
    assert sorted(job.tags) == ["one", "two"]
    assert json.loads(job.input) == given
    assert json.loads(platform.client.service_jobs.get_service_job(job.id).input) == given
    assert platform.client.service_executions.get_service_execution(job.id).id == job.id


def test_the_input_of_a_job_is_shown_only_when_it_asked_for_that(platform):
    job = platform.client.service_jobs.create_service_job(service_id=platform.service_id, input={"a": 1})
    assert job.input is None
    assert platform.client.service_jobs.get_service_job(job.id).input is None


def test_secrets_and_tags_of_a_job_are_those_of_a_submission(platform):
    given = {"a": 1, "$secrets": {"apiToken": "tops3cret"}, "$tags": ["Third"]}
    job = platform.client.service_jobs.create_service_job(
        service_id=platform.service_id, input=given, tags=["first"], store_input=True
    )
    assert (job.tags, json.loads(job.input)) == (["first", "third"], {"a": 1})
    assert "tops3cret" not in json.dumps(platform.service.executions()[job.id])
    assert list(platform.service.executions()[job.id]["spec"]["secrets"]) == ["apiToken"]


@pytest.mark.parametrize("given", ["text", ["a"], {"a.b": 1}, {"$secrets": {"a": 1}}, {"$tags": "x"}])
def test_an_input_that_cannot_be_one_is_a_typed_400(platform, given):
    create = platform.client.service_jobs.create_service_job
    assert refused("BadRequestError", create, service_id=platform.service_id, input=given)["path"].startswith(
        "$.input"
    )
    assert platform.service.executions() == {}


def test_an_input_that_does_not_fit_the_schema_is_a_typed_400(platform):
    schema = {"type": "object", "required": ["a"]}
    uid = platform.define("strict", inputSchema=schema)
    create = platform.client.service_jobs.create_service_job
    assert refused("BadRequestError", create, service_id=uid, input={"b": 1}, code="InputInvalid")["errors"]
    assert create(service_id=uid, input={"a": 1}).status == "PENDING"


def test_a_job_of_an_unknown_service_is_a_typed_404(platform):
    create = platform.client.service_jobs.create_service_job
    refused("NotFoundError", create, service_id=UNKNOWN)
    refused("BadRequestError", create, service_id="")


def test_without_the_right_to_run_a_job_is_a_typed_403(platform):
    create = platform.client.service_jobs.create_service_job
    platform.service.cluster.allowed = lambda question: question["subresource"] != "run"
    body = refused("ForbiddenError", create, service_id=platform.service_id)
    assert "create servicedefinitions/run" in body["detail"]


def test_who_may_run_one_service_may_create_its_jobs(platform):
    other = platform.define("other")
    platform.service.cluster.allowed = lambda question: question["name"] == SERVICE
    create = platform.client.service_jobs.create_service_job
    assert create(service_id=platform.service_id, input={"a": 1}).status == "PENDING"
    refused("ForbiddenError", create, service_id=other)


def test_a_repeated_job_with_a_key_is_one(platform):
    options = {"additional_headers": {"Idempotency-Key": "key-1"}}
    create = platform.client.service_jobs.create_service_job
    first = create(service_id=platform.service_id, input={"a": 1}, request_options=options)
    assert create(service_id=platform.service_id, input={"a": 1}, request_options=options).id == first.id
    refused(
        "BadRequestError", create, service_id=platform.service_id, input={"a": 2}, request_options=options
    )
    assert create(service_id=platform.service_id, input={"a": 1}).id != first.id


def test_jobs_are_listed_apart_from_other_executions(platform):
    platform.submit()
    job = platform.client.service_jobs.create_service_job(service_id=platform.service_id, tags=["mine"])
    listed = platform.client.service_jobs.get_service_jobs
    assert [one.id for one in listed().content] == [job.id]
    filtered = listed(tags="mine", service_id=platform.service_id, ids=f"{job.id[:9]}*")
    assert [one.id for one in filtered.content] == [job.id]
    assert listed(tags="other").content == []
    assert platform.client.service_executions.get_service_executions().total_elements == 2
    refused("BadRequestError", listed, sort="input")


def test_an_execution_that_is_no_job_is_none(platform):
    refused(
        "NotFoundError", platform.client.service_jobs.get_service_job, platform.submit(), code="JobNotFound"
    )
