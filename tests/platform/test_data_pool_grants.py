"""``qhub-api`` 3.3.0, unmodified: grants of data pools, and runs that are submitted with one."""

import base64
import json
import time

import pytest

from serviceexecution.kube.kinds import DATA_POOLS
from tests.platform.platform_client import UNKNOWN, refused
from tests.unit.gateway.service_api.service_cluster import NAMESPACE

PACKAGE = "qhub-service"


@pytest.fixture
def pool(platform):
    return platform.client.data_pools.create_data_pool(name="Measurements").id


def grant(platform, pool, permission="MODIFY"):
    made = platform.client.data_pool_grants.create_data_pool_grant(
        pool, application_id="app", permission=permission
    )
    return made.token


def spec_with(platform, pool, token):
    """Submit a job with the grant, as ``run(grants=[…])`` does; returns the spec of its execution."""
    given = {"numbers": {"id": pool, "ref": "DATAPOOL", "grant": token}}
    job = platform.client.service_jobs.create_service_job(service_id=platform.service_id, input=given)
    execution = platform.service.executions()[job.id]
    assert token not in json.dumps(execution)
    assert json.loads(platform.inputs(job.id)["numbers"]) == {"id": pool, "ref": "DATAPOOL"}
    return job.id, execution["spec"]


@pytest.mark.parametrize("permission", ["VIEW", "MODIFY"])
def test_a_grant_says_when_it_ends_where_the_client_looks(platform, pool, permission):
    payload = grant(platform, pool, permission).split(".")[1]
    members = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert 800 < members["exp"] - time.time() <= 900


def test_a_run_with_a_grant_to_modify_opens_the_data_pool_for_writing(platform, pool):
    (name,) = platform.service.cluster.of(DATA_POOLS)
    job, spec = spec_with(platform, pool, grant(platform, pool))
    opened = {"numbers": {"dataPoolRef": {"name": name}, "readOnly": False}}
    assert spec["dataPools"] == opened
    again = platform.client.service_jobs.create_service_job(
        service_id=platform.service_id,
        input={"numbers": {"id": pool, "ref": "DATAPOOL", "grant": grant(platform, pool)}},
        store_input=True,
    )
    rerun = platform.client.service_jobs.rerun_service_job(again.id)
    assert platform.service.executions()[rerun.id]["spec"]["dataPools"] == opened
    assert job != rerun.id


def test_other_grants_open_nothing(platform, pool):
    other = platform.client.data_pools.create_data_pool(name="Other").id
    for token in (grant(platform, pool, "VIEW"), grant(platform, other), "x.y", "sxg.%%%"):
        assert "dataPools" not in spec_with(platform, pool, token)[1]


def test_who_may_not_upload_may_not_have_it_written(platform, pool):
    token = grant(platform, pool)
    platform.service.cluster.allowed = lambda question: question["subresource"] != "files"
    assert "dataPools" not in spec_with(platform, pool, token)[1]


def test_what_the_service_says_of_a_property_stays(platform, pool):
    own = {"numbers": {"persistentVolumeClaim": {"claimName": "model"}}}
    service = platform.define("own", dataPools=own)
    given = {"numbers": {"id": pool, "ref": "DATAPOOL", "grant": grant(platform, pool)}}
    job = platform.client.service_jobs.create_service_job(service_id=service, input=given)
    assert "dataPools" not in platform.service.executions()[job.id]["spec"]


def test_a_data_pool_on_a_volume_is_not_opened(platform):
    async def seed():
        storage = {"type": "Claim", "claim": {"existing": "c"}}
        body = platform.service.cluster.seed(DATA_POOLS, NAMESPACE, "on-claim", spec={"storage": storage})
        return body["metadata"]["uid"]

    volume = platform.gateway.run(seed())
    assert "dataPools" not in spec_with(platform, volume, grant(platform, volume))[1]


def test_what_cannot_be_granted_is_typed(platform, pool):
    create = platform.client.data_pool_grants.create_data_pool_grant
    refused("NotFoundError", create, UNKNOWN, application_id="app", permission="VIEW")
    refused("BadRequestError", create, pool, application_id="app", permission="OWN")
    refused("BadRequestError", create, pool, application_id="", permission="VIEW")
    refused("ForbiddenError", create, pool, application_id="app", permission="GRANT")


def test_who_may_not_see_a_data_pool_is_granted_nothing(platform, pool):
    platform.service.cluster.allowed = lambda question: question["resource"] != "datapools"
    create = platform.client.data_pool_grants.create_data_pool_grant
    refused("ForbiddenError", create, pool, application_id="app", permission="VIEW")
